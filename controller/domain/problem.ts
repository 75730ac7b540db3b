import { oneLine } from "./format.ts";

/** Where a value stands in a document: keys and list indexes from the root. */
export type DocumentPath = readonly (string | number)[];

/** One mistake in a file, for the person who wrote it. Lines and columns count from 1. */
export type Problem = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** as people read it: `spec.targets[1].arch`; empty for the document itself */
  readonly path: string;
  readonly message: string;
  /** what to write or do instead */
  readonly remedy: string;
};

const MAX_QUOTED = 60;

/** Text in double quotes, cut to 60 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

/** A path as people read it: `spec.targets[1].arch`, `metadata.labels["a.b/c"]`. */
export function showPath(path: DocumentPath): string {
  return path.reduce<string>((shown, step) => {
    if (typeof step === "number") return `${shown}[${step}]`;
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) return `${shown}[${quote(step)}]`;
    return shown === "" ? step : `${shown}.${step}`;
  }, "");
}

/** One line: `file:line:column: path: message (remedy)`. */
export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  // a spec is someone else's text, and this ends on our terminal
  return oneLine(`${place}: ${path}${problem.message} (${problem.remedy})`);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Order of a report: by file, then by place in it. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.path, b.path) ||
    compareText(a.message, b.message)
  );
}
