/** What Node.js tells of its event loop. */

/**
 * How many events it has handled since the start: as long as that grows from turn to turn it is busy.
 * Kept by libuv anyway; asking takes less than one microsecond (perf_hooks, `uvMetricsInfo`).
 */
export function eventsHandled(): number {
  return performance.nodeTiming.uvMetricsInfo.events;
}
