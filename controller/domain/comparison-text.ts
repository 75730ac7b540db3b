import type { ArtifactDifference, Finding } from "../../builders/contract/difference.ts";
import { describeLocation } from "../../builders/contract/location.ts";
import type { ComparisonReport, ReportedDifference, VersionComparison } from "./comparison-report.ts";
import { oneLine } from "./format.ts";

const MAX_VALUE = 100;
const SHOWN_BEFORE = 30;

const runsText = (runs: readonly number[]): string => `run ${runs.join(", ")}`;
const valueText = (value: string | null): string => {
  if (value === null) return "none";
  return oneLine(value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value);
};

/** Two long values from shortly before their first difference on. */
function fromDifference([left, right]: Finding["values"]): Finding["values"] {
  if (left === null || right === null || Math.max(left.length, right.length) <= MAX_VALUE) return [left, right];
  let same = 0;
  while (same < left.length && left[same] === right[same]) same += 1;
  const start = same - SHOWN_BEFORE;
  return start <= 0 ? [left, right] : [`…${left.slice(start)}`, `…${right.slice(start)}`];
}

/** One finding as a line. */
export function findingText({ trail, aspect, values }: Finding): string {
  const where = trail.length === 0 ? "" : `${oneLine(describeLocation(trail))}: `;
  const [left, right] = fromDifference(values);
  if (left === null && right === null) return `${where}${aspect}`;
  return `${where}${aspect} ${valueText(left)} against ${valueText(right)}`;
}

function rangesText({ ranges, rangeCount }: ArtifactDifference): string {
  const shown = ranges.slice(0, 8).map(({ offset, length }) => (length === 1 ? `${offset}` : `${offset}+${length}`));
  return rangeCount > shown.length ? `${shown.join(", ")} and ${rangeCount - shown.length} more` : shown.join(", ");
}

function comparisonLines(comparison: VersionComparison): string[] {
  const { runs, firstOffset, differingBytes, rangeCount, firstByte, findings, notes, diffoscope } = comparison;
  const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? "" : "s"}`;
  return [
    `  run ${runs[0]} against run ${runs[1]}: first difference at byte ${firstOffset}, ${plural(differingBytes, "byte")} in ${plural(rangeCount, "range")}: ${rangesText(comparison)}`,
    ...(firstByte.length === 0 ? [] : [`    first byte: ${oneLine(describeLocation(firstByte))}`]),
    ...findings.map((finding) => `    ${findingText(finding)}`),
    ...notes.map((note) => `    note: ${oneLine(note)}`),
    `    diffoscope: ${oneLine("file" in diffoscope ? diffoscope.file : diffoscope.absent)}`,
  ];
}

function differenceLines(difference: ReportedDifference): string[] {
  switch (difference.kind) {
    case "content":
      return [
        oneLine(difference.path),
        ...difference.versions.map(
          ({ runs, sha256, sizeBytes }) => `  ${runsText(runs)}: sha256 ${sha256}, ${sizeBytes} bytes`,
        ),
        ...difference.comparisons.flatMap(comparisonLines),
      ];
    case "missing":
      return [
        oneLine(difference.path),
        `  ${runsText(difference.presentIn)} has it, ${runsText(difference.missingIn)} lacks it`,
      ];
    case "perturbed":
      return [`run ${difference.run} was made wrong on purpose by a test: it can never be released`];
    case "manifest":
      return [
        `field ${oneLine(difference.field)} of the manifest`,
        ...difference.values.map(({ run, value }) => `  run ${run}: ${valueText(value)}`),
      ];
  }
}

/** `comparison.txt`: the report for people. Names come out of artifacts, so no character of them steers a terminal. */
export function comparisonText(report: ComparisonReport): string {
  const lines = [
    `${report.verdict}: ${report.release} ${report.version} ${report.arch}, runs ${report.runs.join(", ")}`,
    ...report.artifacts.map(({ path, sha256, sizeBytes }) => `  ${sha256}  ${oneLine(path)}  ${sizeBytes} bytes`),
    ...report.faults.map(({ run, path, message }) => oneLine(`run ${run}: ${path} ${message}`)),
    ...report.differences.flatMap((difference) => ["", ...differenceLines(difference)]),
  ];
  return `${lines.join("\n")}\n`;
}
