import type { LogFields, Logger, LogRecord } from "../../controller/ports/logger.ts";

export type Recorded = { readonly level: keyof Omit<Logger, "child">; readonly message: string } & LogFields;

/** A logger whose records a test can read. */
export function recordedLogger(): { readonly log: Logger; readonly records: readonly Recorded[] } {
  const records: Recorded[] = [];
  const make = (common: LogFields): Logger => {
    const at =
      (level: Recorded["level"]): LogRecord =>
      (message, fields) =>
        void records.push({ ...common, ...fields, level, message });
    return {
      ...{ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
      child: (fields) => make({ ...common, ...fields }),
    };
  };
  return { log: make({}), records };
}
