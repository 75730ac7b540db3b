import { type Lock, serializeLock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { formatCommitMessage } from "./commit-message.ts";
import { packageDiff } from "./package-diff.ts";
import { type ReleaseFolder, releaseDigest } from "./release-folder.ts";

/** What changed of a release and of its toolchain's locks. */
export type RefreshChanges = {
  readonly before: ReleaseFolder;
  readonly after: ReleaseFolder;
  readonly toolchains: readonly { readonly arch: Arch; readonly from: Lock | null; readonly to: Lock }[];
  /** pins that are gone, as people read them */
  readonly gone: readonly string[];
};

/** One lock that changed: `summary` on one line, `lines` with one per package. */
export type LockReport = { readonly title: string; readonly summary: string; readonly lines: readonly string[] };

const MAX_GONE = 20;

function lockReport(title: string, from: Lock | null, to: Lock): LockReport {
  if (from === null) return { title, summary: `first lock, ${to.packages.length} packages`, lines: [] };
  const { summary, lines } = packageDiff(from, to);
  if (lines.length > 0) return { title, summary, lines };
  return { title, summary: from.toolchain === to.toolchain ? "same packages" : "same packages, new toolchain", lines };
}

/** The locks that changed, toolchains first. */
export function lockReports({ before, after, toolchains }: RefreshChanges): LockReport[] {
  const changed = [...after.locks].filter(([arch, lock]) => {
    const old = before.locks.get(arch);
    return old === undefined || serializeLock(old) !== serializeLock(lock);
  });
  return [
    ...toolchains.map(({ arch, from, to }) => lockReport(`toolchain ${arch}`, from, to)),
    ...changed.map(([arch, lock]) => lockReport(`${after.name} ${arch}`, before.locks.get(arch) ?? null, lock)),
  ];
}

/** The kernels that moved: `<old> -> <new>`. */
export const kernelMoves = ({ before, after }: Pick<RefreshChanges, "before" | "after">): string[] =>
  Object.entries(after.release.spec.inputs.kernelPackage).flatMap(([arch, kernel]) => {
    const old = before.release.spec.inputs.kernelPackage[arch as Arch];
    return old === kernel ? [] : [`${old} -> ${kernel}`];
  });

const subjectOf = ({ before, after }: RefreshChanges): string => {
  const [from, to] = [before.release.spec.version, after.release.spec.version];
  return from === to ? `Lock ${after.name} ${to}` : `Bump ${after.name} to ${to}`;
};

/** The commit message of a refresh: why, which kernels, each package, and the trailers that name the release. */
export function refreshMessage(changes: RefreshChanges): string {
  const { gone, after } = changes;
  const more = gone.length > MAX_GONE ? [`and ${gone.length - MAX_GONE} more`] : [];
  const why = gone.length === 0 ? [] : ["Gone from the archive:", ...gone.slice(0, MAX_GONE), ...more];
  return formatCommitMessage({
    subject: subjectOf(changes),
    paragraphs: [
      why.join("\n"),
      kernelMoves(changes)
        .map((move) => `kernel ${move}`)
        .join("\n"),
      ...lockReports(changes).map(({ title, summary, lines }) => [`${title}: ${summary}`, ...lines].join("\n")),
    ],
    trailers: [
      ["Release", after.name],
      ["Spec-Digest", releaseDigest(after)],
    ],
  });
}

/** A refresh on one line: `demo 2026.11.23-1 -> 2026.11.23-2: kernel …; demo amd64: 3 upgraded, 1 added, 0 removed`. */
export function refreshSummary(changes: RefreshChanges): string {
  const { before, after, gone } = changes;
  const [from, to] = [before.release.spec.version, after.release.spec.version];
  const parts = [
    ...(gone.length === 0 ? [] : [`${gone.length} ${gone.length === 1 ? "pin is" : "pins are"} gone from the archive`]),
    ...kernelMoves(changes).map((move) => `kernel ${move}`),
    ...lockReports(changes).map(({ title, summary }) => `${title}: ${summary}`),
  ];
  return `${after.name} ${from === to ? to : `${from} -> ${to}`}: ${parts.join("; ")}`;
}
