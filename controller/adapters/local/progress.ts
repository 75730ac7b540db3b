import type { logUpdateStderr } from "log-update";
import type { ProgressView } from "../../ports/progress-view.ts";
import type { Screen } from "./progress-lines.ts";
import { plainProgress } from "./progress-plain.ts";
import { type LiveTerminal, tableProgress } from "./progress-table.ts";

/** Standard error, as far as progress needs it. */
export type ErrorStream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly write: (text: string) => unknown;
};
type Env = Readonly<Record<string, string | undefined>>;

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";

/** How to show progress; `colour` and `unicode` only matter to a table. */
export type ProgressStyle = { readonly form: "table" | "plain"; readonly colour: boolean; readonly unicode: boolean };

/**
 * What fits the place: a table on a terminal that can move its cursor, unless a CI service watches (`CI`); no colour
 * with `NO_COLOR` (no-color.org); plain ASCII on the console of Linux, whose font lacks the rest.
 */
export function progressStyle(isTerminal: boolean, env: Env): ProgressStyle {
  const ci = isSet(env["CI"]) && env["CI"] !== "false" && env["CI"] !== "0";
  return {
    form: isTerminal && env["TERM"] !== "dumb" && !ci ? "table" : "plain",
    colour: !isSet(env["NO_COLOR"]),
    unicode: env["TERM"] !== "linux",
  };
}

const clock = {
  now: () => new Date(),
  seconds: () => performance.now() / 1000,
  every: (milliseconds: number, tick: () => void) => {
    const timer = setInterval(tick, milliseconds).unref();
    return () => clearInterval(timer);
  },
};

/** The terminal behind standard error. log-update comes with the first drawing: most commands never draw. */
function liveTerminal(stream: ErrorStream, style: ProgressStyle): LiveTerminal {
  let update: typeof logUpdateStderr | undefined;
  let asked = false;
  const load = async () => {
    update = (await import("log-update")).logUpdateStderr;
  };
  return {
    screen: (): Screen => ({
      columns: stream.columns || 80, // 0 on a terminal that does not know
      rows: stream.rows || 24,
      colour: style.colour,
      unicode: style.unicode,
    }),
    draw: (text) => {
      if (update !== undefined) update(text);
      else if (!asked) {
        asked = true;
        void load();
      }
    },
    clear: () => update?.clear(),
    persist: (text) => {
      update?.clear();
      stream.write(`${text}\n`);
    },
    done: () => update?.done(),
  };
}

/** Progress in the form that {@link progressStyle} chooses for standard error. */
export function createProgress(stream: ErrorStream, env: Env): ProgressView {
  const style = progressStyle(stream.isTTY === true, env);
  return style.form === "table"
    ? tableProgress(liveTerminal(stream, style), clock)
    : plainProgress((line) => stream.write(`${line}\n`), clock);
}
