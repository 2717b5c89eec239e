/**
 * The log: one line for each thing that happened, as JSON for machines or as text for people, on
 * standard output, where systemd's journal takes it. Nothing from the outside can end a line or
 * reach the terminal as a command. A log that cannot be written never stops the mail.
 */
import { Writable } from 'node:stream';
import { createLogger, format, type Logger } from 'winston';
import type { Clock } from '../clock.ts';
import type { TransactionRecord } from '../engine/record.ts';
import type { LogConfig } from './config.ts';
import { escapeControls, logValue } from './log-text.ts';
import { fieldsOf, levelOf } from './log-transaction.ts';

export type LogLevel = LogConfig['level'];

export type LogValue =
  string | number | boolean | readonly string[] | Readonly<Record<keyof never, number>>;

/** What is undefined is left out. */
export type LogFields = Readonly<Record<string, LogValue | undefined>>;

const levels: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

interface Entry {
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

export class Log {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #level: LogLevel;

  /** @param stream usually process.stdout; its errors are swallowed from here on. */
  constructor(config: LogConfig, clock: Clock, stream: Writable) {
    this.#clock = clock;
    this.#level = config.level;
    // EPIPE: whoever read our lines is gone. There is nowhere to say so, and mail goes on.
    stream.on('error', () => undefined);
    this.#logger = createLogger({
      levels,
      level: 'debug', // #write has decided already, before it built anything
      format: lineFormat(config.format),
    });
    this.#logger.pipe(lineWriter(stream));
  }

  /** Takes over what a new configuration says. */
  adjust(config: LogConfig): void {
    this.#level = config.level;
    this.#logger.format = lineFormat(config.format);
  }

  /** The one line about a transaction. */
  transaction(record: TransactionRecord): void {
    const level = levelOf(record);
    if (this.#isOn(level)) this.#write(level, 'transaction', fieldsOf(record));
  }

  /** Something is broken, and someone must look. */
  error(event: string, fields: LogFields = {}): void {
    this.#write('error', event, fields);
  }

  /** Something is not as it should be, and we go on. */
  warn(event: string, fields: LogFields = {}): void {
    this.#write('warn', event, fields);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#write('info', event, fields);
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#write('debug', event, fields);
  }

  #isOn(level: LogLevel): boolean {
    return levels[level] <= levels[this.#level];
  }

  #write(level: LogLevel, event: string, fields: LogFields): void {
    if (!this.#isOn(level)) return;
    const time = new Date(this.#clock.now()).toISOString();
    const entry: Entry = { time, level, event, fields };
    this.#logger.log({ level, message: event, entry });
  }
}

/** Where winston's `format` leaves the line. */
const lineKey = Symbol.for('message');

/** Takes each line at once: what standard output makes of it is the kernel's business. */
function lineWriter(stream: Writable): Writable {
  return new Writable({
    objectMode: true,
    write(info: Record<symbol, string>, _, done) {
      stream.write(`${info[lineKey] ?? ''}\n`);
      done();
    },
  });
}

function lineFormat(kind: LogConfig['format']) {
  const line = kind === 'json' ? jsonLine : textLine;
  return format.printf((info) => line(info['entry'] as Entry));
}

function jsonLine({ time, level, event, fields }: Entry): string {
  return escapeControls(JSON.stringify({ time, level, event, ...fields }));
}

/** TIME LEVEL event key=value key=[value,value]. */
function textLine({ time, level, event, fields }: Entry): string {
  const words = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${textValue(value)}`],
  );
  return [time, level.toUpperCase(), logValue(event), ...words].join(' ');
}

function textValue(value: LogValue): string {
  if (typeof value === 'string') return logValue(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(logValue).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, number]) => `${key}=${Math.round(number)}`)
    .join(',')}}`;
}

function isList(value: LogValue): value is readonly string[] {
  return Array.isArray(value);
}
