import { expect, test } from "vitest";
import { createProgress, progressStyle } from "./progress.ts";

test.each([
  ["a terminal", true, {}, { form: "table", colour: true, unicode: true }],
  ["a terminal without colour", true, { NO_COLOR: "1" }, { form: "table", colour: false, unicode: true }],
  ["an empty NO_COLOR, which does not count", true, { NO_COLOR: "" }, { form: "table", colour: true, unicode: true }],
  ["the console of Linux", true, { TERM: "linux" }, { form: "table", colour: true, unicode: false }],
  ["a terminal that cannot move its cursor", true, { TERM: "dumb" }, { form: "plain" }],
  ["a terminal of a CI service", true, { CI: "true" }, { form: "plain" }],
  ["CI that is off", true, { CI: "false" }, { form: "table" }],
  ["a file or pipe", false, {}, { form: "plain" }],
] as const)("%s", (_, isTerminal, env, style) => {
  expect(progressStyle(isTerminal, env)).toMatchObject(style);
});

test("elsewhere than on a terminal progress is lines", () => {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  const view = createProgress({ write }, {});
  view.report({ event: "finished", step: "root", wallSeconds: 1, userSeconds: 0.5, systemSeconds: 0 });
  view.close();
  expect(written).toMatch(/^\d\d:\d\d:\d\d root: done in 1\.0 s, CPU 0\.5 s\n$/);
});

test("a terminal that does not know its size counts as 80 columns, and ended steps are written before drawing begins", () => {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  const view = createProgress({ isTTY: true, columns: 0, rows: 0, write }, { NO_COLOR: "1" });
  const text = "x".repeat(200);
  view.report({ event: "finished", step: "root", wallSeconds: 1, userSeconds: 0, systemSeconds: 0, text });
  view.close();
  expect(written).toMatch(/^✔ root +1\.0 s {2}x+…\n$/);
  expect(written).toHaveLength(80);
});
