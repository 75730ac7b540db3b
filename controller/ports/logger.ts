/** What belongs to one message, by name. Values whose name says that they are secret are never written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one record. `message` is a fixed sentence; whatever varies goes into `fields`. Never throws. */
export type LogRecord = (message: string, fields?: LogFields) => void;

/** Records for machines and for later; people read the reports of the commands instead. */
export type Logger = {
  readonly debug: LogRecord;
  readonly info: LogRecord;
  readonly warn: LogRecord;
  readonly error: LogRecord;
  /** a logger that adds `fields` to each of its records */
  readonly child: (fields: LogFields) => Logger;
};

/** Writes nothing: what a command gets unless someone asks for a log. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
