import { expect, test } from '@jest/globals';
import { SeededChoices } from './choices.ts';
import { DaemonSocket } from './daemon-socket.ts';
import { type End, Network } from './network.ts';
import { Life, Timeline } from './timeline.ts';
import { type Fault, only, Weather } from './weather.ts';

const seeds = Array.from({ length: 20 }, (_, seed) => seed);

/** A connection from an end that remembers what it heard to a socket as the daemon has it. */
class Line {
  readonly timeline = new Timeline();
  readonly weather: Weather;
  readonly network: Network;
  readonly heard: string[] = [];
  readonly peer: End;
  readonly socket = Promise.withResolvers<DaemonSocket>();

  constructor(seed: number, faults: readonly Fault[] = []) {
    this.weather = new Weather(new SeededChoices(seed), only(faults));
    this.network = new Network(this.timeline, this.weather);
    const link = this.network.connect('line', (end) => {
      this.socket.resolve(new DaemonSocket(end, { allowHalfOpen: true }));
      return true;
    });
    this.peer = link.client;
    this.peer.receiver = {
      bytes: (chunk) => this.heard.push(chunk.toString()),
      end: () => this.heard.push('FIN'),
      reset: () => this.heard.push('RST'),
    };
  }

  async play(): Promise<void> {
    while (await this.timeline.step(() => undefined));
  }
}

test.each(seeds)('bytes arrive in order and whole, cut as they may be (seed %d)', async (seed) => {
  const line = new Line(seed);
  void line.socket.promise.then((socket) => {
    // An echo, that holds its peer back now and then.
    socket.pipe(socket);
  });
  const text = Array.from({ length: 10_000 }, (_, at) => `line ${at}\n`).join('');
  line.peer.send(Buffer.from(text));
  line.peer.finish();
  await line.play();
  expect(line.heard.length).toBeGreaterThan(2);
  expect(line.heard.pop()).toBe('FIN');
  expect(line.heard.join('')).toBe(text);
});

test('an end that was closed answers with RST', async () => {
  const line = new Line(1);
  void line.socket.promise.then((socket) => socket.destroy());
  line.peer.send(Buffer.from('too late'));
  await line.play();
  expect(line.heard.at(-1)).toBe('RST');
  expect(line.network.open).toEqual([]);
});

test.each<[Fault, string[]]>([
  ['reset', ['RST']],
  ['refuse connection', ['RST']],
  ['silence', []],
])('%s: the peer hears %j', async (fault, heard) => {
  const line = new Line(1, [fault]);
  void line.socket.promise.then((socket) => socket.on('error', () => undefined).resume());
  line.peer.send(Buffer.from('hello'));
  await line.play();
  expect(line.heard).toEqual(heard);
  expect(line.network.open).toHaveLength(fault === 'silence' ? 1 : 0);
});

test('what the dead had planned does not happen, and the rest does, by its time', async () => {
  const timeline = new Timeline();
  const [alive, dead] = [new Life(), new Life()];
  const happened: string[] = [];
  timeline.after(3, 'last', () => happened.push(`last at ${timeline.elapsed}`), alive);
  timeline.after(1, 'first', () => happened.push('first'));
  timeline.after(1, 'second', () => happened.push('second'));
  timeline.after(2, 'never', () => happened.push('never'), dead);
  timeline.after(2, 'cancelled', () => happened.push('cancelled')).cancel();
  dead.over = true;
  while (await timeline.step(() => undefined));
  expect(happened).toEqual(['first', 'second', 'last at 3']);
  expect(timeline.steps).toBe(3);
});
