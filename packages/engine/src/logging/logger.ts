/** Figures of a log line by name. Never values of items, credentials or connection URLs [P49]. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Where log lines go. A pino logger fits as it is; so does anything with these four methods.
 *
 * A logger must not throw, and must not call back into the engine.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Drops every line: the default. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
}
