import { styleText } from "node:util";
import { formatBytes, formatSeconds } from "../../domain/format.ts";
import { elapsedSeconds, type ProgressState, runningRows, type StepCount, type StepRow } from "./progress-state.ts";

/** What the terminal can show. Sizes are in character cells. */
export type Screen = {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
  readonly unicode: boolean;
};

type Style = "green" | "red" | "cyan" | "yellow" | "dim" | "bold";
type Segment = { readonly text: string; readonly style?: Style };

const UNICODE = {
  spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
  finished: "✔",
  failed: "✖",
  stopped: "–",
  full: "█",
  empty: "░",
  ellipsis: "…",
};
const ASCII: typeof UNICODE = {
  spinner: ["|", "/", "-", "\\"],
  finished: "+",
  failed: "x",
  stopped: "-",
  full: "#",
  empty: ".",
  ellipsis: "~",
};

const SPINS_PER_SECOND = 8;
const ELAPSED_CELLS = 9;
const BAR_CELLS = 16;
/** below this a detail says nothing */
const LEAST_DETAIL_CELLS = 10;

/** Cells that a line takes: wide East Asian letters and emoji take two, combining marks none. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    cells += /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}]/u.test(character) ? 2 : 1;
  }
  return cells;
}

/** The beginning of `text` that fits into `cells`, with an ellipsis if anything is missing. */
export function truncate(text: string, cells: number, ellipsis = UNICODE.ellipsis): string {
  if (cellsOf(text) <= cells) return text;
  let kept = "";
  let used = cellsOf(ellipsis);
  if (used > cells) return "";
  for (const character of text) {
    used += cellsOf(character);
    if (used > cells) break;
    kept += character;
  }
  return `${kept}${ellipsis}`;
}

const padEnd = (text: string, cells: number): string => text + " ".repeat(Math.max(0, cells - cellsOf(text)));

/** A styled line of at most `screen.columns` - 1 cells: the last column is left free, since some terminals wrap there. */
function lineOf(segments: readonly Segment[], screen: Screen): string {
  const { ellipsis } = screen.unicode ? UNICODE : ASCII;
  let left = Math.max(1, screen.columns - 1);
  let line = "";
  for (const { text, style } of segments) {
    const shown = truncate(text, left, ellipsis);
    left -= cellsOf(shown);
    line += screen.colour && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown;
    if (shown !== text) break;
  }
  return line.trimEnd();
}

const amount = (value: number, unit: StepCount["unit"]): string => (unit === "bytes" ? formatBytes(value) : `${value}`);

/** How far a count is, 0 to 1; null where its end is not known. */
export function shareDone(count: StepCount): number | null {
  if (count.total === null || !(count.total > 0)) return null;
  return Math.min(1, Math.max(0, count.done / count.total));
}

/** `12.0 MiB / 40.1 MiB` or `3 / 7`. */
export const countText = ({ done, total, unit }: StepCount): string =>
  total === null ? amount(done, unit) : `${amount(done, unit)} / ${amount(total, unit)}`;

/** What a running step does, most important first, as far as `cells` reach. */
function detailOf(row: StepRow, cells: number, screen: Screen): Segment[] {
  if (row.count === null) return [{ text: row.text }];
  const { full, empty } = screen.unicode ? UNICODE : ASCII;
  const share = shareDone(row.count);
  const percent = share === null ? "" : `${String(Math.floor(share * 100)).padStart(3)}% `;
  const counted = `${countText(row.count)} `;
  const filled = Math.round((share ?? 0) * BAR_CELLS);
  const withBar = share !== null && cells >= BAR_CELLS + 1 + percent.length + counted.length + LEAST_DETAIL_CELLS;
  return [
    ...(withBar
      ? [
          { text: full.repeat(filled), style: "green" as const },
          { text: `${empty.repeat(BAR_CELLS - filled)} `, style: "dim" as const },
        ]
      : []),
    { text: percent },
    { text: cells >= percent.length + counted.length || percent === "" ? counted : "", style: "dim" },
    { text: row.text },
  ];
}

/** What an ended step cost and made; where both do not fit, what it made. */
function resultOf(row: StepRow, cells: number): Segment[] {
  const cpu = row.cpuSeconds === null ? "" : `CPU ${formatSeconds(row.cpuSeconds)}`;
  const made = row.bytes === null ? "" : formatBytes(row.bytes);
  const both = [cpu, made].filter((part) => part !== "").join(", ");
  const cost = both.length <= cells ? both : made;
  return [{ text: cost, style: "dim" }, { text: cost !== "" && row.text !== "" ? "  " : "" }, { text: row.text }];
}

function markOf(row: StepRow, now: number, screen: Screen): Segment {
  const glyphs = screen.unicode ? UNICODE : ASCII;
  if (row.status === "finished") return { text: glyphs.finished, style: "green" };
  if (row.status === "failed") return { text: glyphs.failed, style: "red" };
  const frame = Math.floor(now * SPINS_PER_SECOND) % glyphs.spinner.length;
  return { text: glyphs.spinner[frame] ?? "", style: "cyan" };
}

/** Cells for the names of steps: as many as the longest has, within reason, a third of the line, and beside the time. */
function nameCells(state: ProgressState, screen: Screen): number {
  const longest = Math.max(12, ...state.map((row) => cellsOf(row.step)));
  const room = screen.columns - 1 - 2 - 1 - ELAPSED_CELLS;
  return Math.max(4, Math.min(longest, 28, room, Math.max(12, Math.floor(screen.columns / 3))));
}

/** One step as one line. `now` in seconds decides elapsed time and spinner. */
export function stepLine(row: StepRow, state: ProgressState, now: number, screen: Screen): string {
  const { ellipsis } = screen.unicode ? UNICODE : ASCII;
  const cells = nameCells(state, screen);
  const name = padEnd(truncate(row.step, cells, ellipsis), cells);
  const elapsed = ` ${formatSeconds(elapsedSeconds(row, now)).padStart(ELAPSED_CELLS)}`;
  const left = screen.columns - 1 - 2 - cells - elapsed.length - 2;
  const detail = row.status === "running" ? detailOf(row, left, screen) : resultOf(row, left);
  return lineOf(
    [
      markOf(row, now, screen),
      { text: " " },
      { text: name, style: "bold" },
      { text: elapsed, style: "dim" },
      ...(left >= LEAST_DETAIL_CELLS ? [{ text: "  " }, ...detail] : []),
    ],
    screen,
  );
}

/** The live part of the table: a line for each running step, as many as the terminal has room for. */
export function liveLines(state: ProgressState, now: number, screen: Screen): string[] {
  const running = runningRows(state);
  const room = Math.max(1, screen.rows - 1);
  const shown = running.length <= room ? running : running.slice(0, room - 1);
  const lines = shown.map((row) => stepLine(row, state, now, screen));
  if (shown.length < running.length) {
    lines.push(lineOf([{ text: `  and ${running.length - shown.length} more`, style: "dim" }], screen));
  }
  return lines;
}

/** What stays on the screen of a step that nobody will hear of again, since its command ended. */
export function stoppedLine(row: StepRow, now: number, screen: Screen): string {
  const { stopped } = screen.unicode ? UNICODE : ASCII;
  const text = `${stopped} ${row.step} stopped after ${formatSeconds(elapsedSeconds(row, now))}`;
  return lineOf([{ text, style: "yellow" }], screen);
}

/** `8 steps in 5 m 12 s`; undefined where one line says it all already. */
export function summaryLine(state: ProgressState, now: number, screen: Screen): string | undefined {
  if (state.length < 2) return undefined;
  const seconds = formatSeconds(now - Math.min(...state.map((row) => row.startedAt)));
  const failed = state.filter((row) => row.status === "failed").length;
  const running = runningRows(state).length;
  const ended = [failed > 0 ? `${failed} failed` : "", running > 0 ? `${running} stopped` : ""].filter(
    (part) => part !== "",
  );
  const text = `${state.length} steps in ${seconds}${ended.length > 0 ? `, ${ended.join(", ")}` : ""}`;
  return lineOf([{ text: `  ${text}`, style: "dim" }], screen);
}
