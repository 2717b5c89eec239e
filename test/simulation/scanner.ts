/** clamd, as the engine sees it: slow, sometimes out of order, and right about what it has read. */
import type { CancelSignal } from '../../src/cancel-signal.ts';
import type { Clock } from '../../src/clock.ts';
import type { Content } from '../../src/content.ts';
import { Cancelled, cancelCause } from '../../src/errors.ts';
import type { MessageScanner, ScanReport } from '../../src/scan/scanner.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import { ownRules } from './ends.ts';
import { contraband, malware } from './mail.ts';
import type { Weather } from './weather.ts';

export class SimulatedScanner implements MessageScanner {
  /** Scans under way. */
  open = 0;
  readonly #clock: Clock;
  readonly #weather: Weather;

  constructor(clock: Clock, weather: Weather) {
    this.#clock = clock;
    this.#weather = weather;
  }

  async scan(content: Content, signal: CancelSignal, takesApart?: () => void): Promise<ScanReport> {
    this.open++;
    try {
      let text = '';
      for await (const chunk of content.chunks(signal)) text += chunk.toString('latin1');
      takesApart?.();
      await this.#take(this.#weather.delay('scan'), signal);
      return { findings: this.#findings(text), streams: [], parts: [] };
    } finally {
      this.open--;
    }
  }

  #findings(text: string): Finding[] {
    const stream = 'message';
    if (this.#weather.happens('scan fails')) {
      return [{ kind: 'unavailable', stream, detail: 'clamd is away' }];
    }
    if (this.#weather.happens('scan breaks')) {
      return [{ kind: 'unavailable', broke: 'clamd', stream, detail: 'clamd died' }];
    }
    const findings: Finding[] = [];
    if (text.includes(malware)) findings.push({ kind: 'infected', stream, detail: 'Simulated' });
    if (text.includes(contraband)) {
      findings.push({ kind: 'banned', rules: ownRules, stream, detail: 'is called x.exe' });
    }
    return findings;
  }

  #take(ms: number, signal: CancelSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.cancel();
        reject(new Cancelled(cancelCause(signal)));
      };
      const timer = this.#clock.after(ms, () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  }
}
