import { join } from "node:path";
import { describedFiles } from "../../builders/contract/build-manifest.ts";
import { type MachineFacts, variedAspects, variationOf } from "../../builders/contract/variation.ts";
import { bootName, bootPlan } from "../domain/boot-plan.ts";
import type { ArchPlan } from "../domain/plan.ts";
import type { ArchWork } from "../reconciler/arch-work.ts";
import { bootReport } from "./boot.ts";
import { shortPath } from "./lock-files.ts";

/** What will happen to one arch, before it does. */
export function planText({ request, runs }: ArchPlan, machine: MachineFacts, boots: boolean): string {
  const booted = boots ? bootPlan(request.variants, request.arch).map(bootName).join(", ") : "none";
  const aspects = variedAspects(variationOf(1, machine), variationOf(2, machine));
  const varied = aspects.flatMap(({ aspect, values }) => (values === null ? [] : [`${aspect} ${values}`]));
  const fixed = aspects.flatMap(({ aspect, values, why }) => (values === null ? [`${aspect} (${why})`] : []));
  return [
    `plan       ${request.arch}: ${request.variants.join(", ")}; ${request.lock.packages.length} packages, ${request.kernelPackage}`,
    `  runs     ${runs}, compared to the byte; varied: ${varied.join("; ")}`,
    `           not varied: ${fixed.join("; ")}`,
    `  boots    ${booted}`,
  ].join("\n");
}

/** What became of one arch so far: files if they were reproduced, and every boot that ended. */
export function archText(work: ArchWork, cwd: string): string {
  const { plan } = work;
  const { arch } = plan.request;
  const lines: string[] = [];
  const report = shortPath(cwd, join(plan.folder, "comparison.txt"));
  if (work.difference() !== null) lines.push(`different  ${arch}: ${report}; the bytes of all runs are kept`);
  if (work.isReproduced()) {
    const { output, manifest } = work.first();
    lines.push(`reproduced ${arch}: ${plan.runs} runs are the same to the byte (${report})`);
    for (const { path } of describedFiles(manifest).filter((one) => !one.path.endsWith("/SHA256SUMS"))) {
      lines.push(`${(path.split("/").at(-1) ?? "").padEnd(18)} ${shortPath(cwd, join(output, path))}`);
    }
    lines.push(`${"manifest".padEnd(18)} ${shortPath(cwd, join(output, arch, "build-manifest.json"))}`);
  }
  for (const planned of bootPlan(plan.request.variants, arch)) {
    const outcome = work.boots().get(bootName(planned));
    if (outcome === undefined) continue;
    lines.push(`${bootName(planned)}: ${bootReport(outcome.result, shortPath(cwd, work.evidenceOf(planned)))}`);
  }
  return lines.join("\n");
}
