import { type Digest, digestOf, sha256Hex, stableJson } from "../../builders/contract/digest.ts";
import { logLines } from "../../builders/contract/log-file.ts";
import type { BootMessage, BuildMessage, FetchMessage, PublishMessage } from "../../builders/contract/pod.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { BOOT_RESULT_FILE, SERIAL_LOG_FILE } from "../../builders/host/builder.ts";
import { bootName, bootPlan } from "../../controller/domain/boot-plan.ts";
import { LABEL } from "../../controller/domain/jobs/object-labels.ts";
import type { JobStep } from "../../controller/domain/jobs/object-names.ts";
import { STAGED, stagedManifest } from "../../controller/domain/jobs/staged-run.ts";
import type { BuildJob } from "../../controller/ports/job-runner.ts";
import type { StagingStore } from "../../controller/ports/staging-store.ts";
import { BOOTED, madeBy } from "./memory-ports.ts";

/** What a boot leaves, the same for each. */
const EVIDENCE = { result: Buffer.from(stableJson(BOOTED)), serial: Buffer.from("reached multi-user\n") } as const;

/** The log of a boot pod, as its program writes it. */
export const BOOT_LOG = [
  ...logLines(BOOT_RESULT_FILE, EVIDENCE.result),
  ...logLines(SERIAL_LOG_FILE, EVIDENCE.serial),
].join("\n");

/** What the runs of one arch of a release leave, and its digests. */
function contentsOf(job: Omit<BuildJob, "run">, status: string) {
  const { arch, sourceDateEpoch } = job.request;
  const { manifest, texts } = madeBy(job, status);
  const files = [
    ...[...texts].map(([path, text]) => ({ title: `${STAGED.out}${path}`, text })),
    { title: `${STAGED.logs}build.log`, text: "built\n" },
  ].map(({ title, text }) => ({ title, text, digest: digestOf(text), size: Buffer.byteLength(text) }));
  const { bytes, descriptor } = stagedManifest(files, sourceDateEpoch);
  const artifactOf = (variant: string): Digest => {
    const prefix = `${arch}/${variant}/`;
    const names = Object.keys(manifest.artifacts).filter((path) => path.startsWith(prefix));
    const sums = names.toSorted().map((path) => `${manifest.artifacts[path]?.sha256}  ${path.slice(prefix.length)}\n`);
    return digestOf(sums.join(""));
  };
  return {
    ...{ arch, manifest, manifestDigest: digestOf(stableJson(manifest)), artifactOf },
    ...{ staged: { digest: descriptor.digest, mediaType: descriptor.mediaType, bytes } },
    blobs: new Map(files.map(({ digest, text }) => [digest, text])),
  };
}
export type Contents = ReturnType<typeof contentsOf>;

/** What pods of a bench leave, in the memory of the controller: staging, and what their programs say at their end. */
export function jobContents(statusOf: (arch: Arch) => string) {
  /** by release and arch */
  const known = new Map<string, Contents>();
  const keyOf = (release: string, arch: string) => `${release} ${arch}`;
  const lastWords = (
    step: JobStep,
    { manifestDigest: manifest, ...of }: Contents,
    boot: string,
  ): object | undefined => {
    switch (step) {
      case "fetch":
        return { schemaVersion: 1, inputsImage: digestOf("inputs") } satisfies FetchMessage;
      case "build":
        return { schemaVersion: 1, manifest, cpus: "0" } satisfies BuildMessage;
      case "publish":
        return { schemaVersion: 1, manifest, staged: of.staged.digest } satisfies PublishMessage;
      case "boot": {
        const planned = bootPlan(of.manifest.variants, of.arch).find((one) => bootName(one) === boot);
        if (planned === undefined) return undefined;
        return {
          ...{ schemaVersion: 1, artifact: of.artifactOf(planned.variant) },
          ...{ result: digestOf(EVIDENCE.result), serialLog: sha256Hex(EVIDENCE.serial) },
        } satisfies BootMessage;
      }
    }
  };
  return {
    /** what will be left of an arch; the same for all of its runs */
    of: (job: Omit<BuildJob, "run">): Contents => {
      const { release, arch } = job.request;
      const key = keyOf(release, arch);
      const contents = known.get(key) ?? contentsOf(job, statusOf(arch));
      known.set(key, contents);
      return contents;
    },
    /** what the pod with these labels says at its end; undefined: no such run is known */
    said: (labels: Readonly<Record<string, string>>): object | undefined => {
      const contents = known.get(keyOf(labels[LABEL.release] ?? "", labels[LABEL.arch] ?? ""));
      const step = labels[LABEL.step] as JobStep;
      return contents === undefined ? undefined : lastWords(step, contents, labels[LABEL.boot] ?? "");
    },
    forget: (release: string): void => {
      for (const key of known.keys()) if (key.startsWith(`${release} `)) known.delete(key);
    },
    /** staging of one release: it has what its publish pods say that they staged */
    stagingOf: (release: string): StagingStore => {
      const all = () => [...known].flatMap(([key, one]) => (key.startsWith(`${release} `) ? [one] : []));
      return {
        name: "registry.example/staging",
        readManifest: async (digest) => all().find(({ staged }) => staged.digest === digest)?.staged ?? null,
        readBlob: async ({ digest }, read) => {
          const text = all()
            .find(({ blobs }) => blobs.has(digest))
            ?.blobs.get(digest);
          if (text === undefined) throw new RangeError(`${release} staged no ${digest}`);
          return read(
            (async function* () {
              yield Buffer.from(text);
            })(),
          );
        },
        remove: async () => true,
      };
    },
  };
}
