import { type DestinationStream, destination, pino } from "pino";
import { type Clock, systemClock } from "../domain/clock.ts";
import { redact } from "./redact.ts";

/** How important an entry is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * Writes what happened. `event` is a stable noun phrase such as `tenant.provisioned`; data goes into `fields`, where
 * secrets are removed by name and by look. Errors are logged once, at the edge, as `fields.error`.
 */
export interface Logger {
  debug(event: string, fields?: object): void;
  info(event: string, fields?: object): void;
  warn(event: string, fields?: object): void;
  error(event: string, fields?: object): void;
  /** A logger that adds these fields to every entry, as for the ids of a request, tenant or operation. */
  with(fields: object): Logger;
}

interface LoggerOptions {
  /** Entries below it are dropped. */
  readonly level: LogLevel;
  readonly clock?: Clock;
  /** Takes whole lines. Default: the standard output, written at once, so that a crash loses nothing. */
  readonly output?: DestinationStream;
}

/** One JSON object per line: `level`, `time` (ISO 8601), the fields, `event`. */
export function createLogger({ level, clock = systemClock, output = destination(1) }: LoggerOptions): Logger {
  const sink = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: () => `,"time":"${clock().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );

  function bind(bound: object): Logger {
    const write = (entryLevel: LogLevel) => (event: string, fields?: object) => {
      if (sink.isLevelEnabled(entryLevel)) sink[entryLevel](redact(renameReserved({ ...bound, ...fields })), event);
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      with: (fields) => bind({ ...bound, ...fields }),
    };
  }

  return bind({});
}

/** An entry's own three names would otherwise stand twice in its line. */
function renameReserved(fields: object): object {
  const entries = Object.entries(fields);
  return Object.fromEntries(
    entries.map(([name, value]) => [/^(?:level|time|event)$/.test(name) ? `${name}_` : name, value]),
  );
}
