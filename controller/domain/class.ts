import { z } from "zod";
import { REGISTRY, REPOSITORY, REPOSITORY_NAME, SERVICE_URL, SNAPSHOT_TEMPLATE, UNPRINTED } from "./addresses.ts";
import { Build } from "./class-build.ts";
import { Notify, Publish, Signing } from "./class-destinations.ts";
import { duration, Network, objectMetadata } from "./cluster-fields.ts";
import { crossRule, entries, text } from "./fields.ts";
import { LABEL_NAME } from "./names.ts";
import { quote } from "./problem.ts";
import { API_VERSION, RUNS } from "./release.ts";
import { refuseHttp } from "./refuse-http.ts";
import type { TextRule } from "./text-rule.ts";

const KEYRING: TextRule = {
  what: "a keyring",
  pattern: /^[a-z0-9][a-z0-9.-]*\.(gpg|asc)$/,
  maxLength: 128,
  form: "write the file name of a keyring in builders/keyrings, ending in .gpg or .asc",
  recognise: (value) =>
    /[/\\]/.test(value)
      ? { message: `${quote(value)} is a path`, remedy: "write the bare file name of a keyring in builders/keyrings" }
      : undefined,
};

const AGENT_DIRECTORY: TextRule = {
  what: "a folder",
  pattern: new RegExp(`^\\.{0,2}/[^${UNPRINTED}]*$`, "u"),
  maxLength: 512,
  form: "write an absolute path, or one that starts with ./",
  never: [{ pattern: /\/\.\.(\/|$)/, message: 'climbs with ".."', remedy: "write the folder itself" }],
};

const ArchiveSource = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("system").meta({ description: "Where to ask: system, mirror or snapshot." }) }),
    z.strictObject({
      kind: z.literal("mirror"),
      url: text(SERVICE_URL, "Address of a mirror, the folder that holds dists/.", "https://mirror.example/debian"),
    }),
    z.strictObject({
      kind: z.literal("snapshot"),
      urlTemplate: text(
        SNAPSHOT_TEMPLATE,
        "Address of the archive at a moment; {timestamp} stands for it.",
        "https://snapshot.debian.org/archive/debian/{timestamp}",
      ),
    }),
  ])
  .meta({ description: "system (this machine's apt), mirror or snapshot.", examples: [{ kind: "system" }] });
export type ArchiveSource = z.infer<typeof ArchiveSource>;

const Archive = z.strictObject({
  sources: z
    .array(ArchiveSource)
    .min(1)
    .max(8)
    .meta({ description: "Where to ask, tried in order.", examples: [[{ kind: "system" }]] }),
  keyring: text(KEYRING, "Keyring in builders/keyrings that signs the archive's index.", "debian-archive-keyring.gpg"),
});

const Gate = z
  .strictObject({
    minBuilds: z
      .int()
      .min(RUNS.min)
      .max(RUNS.max)
      .default(RUNS.min)
      .meta({ description: "Fewest independent runs; a spec can only ask for more.", examples: [2] }),
    reproducibility: z
      .enum(["Enforce", "Report"])
      .default("Enforce")
      .meta({
        description: "What a difference between runs does: stop the release, or be reported.",
        examples: ["Enforce"],
      }),
    boot: z
      .enum(["Enforce", "Report"])
      .default("Enforce")
      .meta({ description: "What a failed boot does: stop the release, or be reported.", examples: ["Enforce"] }),
    spread: z
      .enum(["Prefer", "Require"])
      .default("Prefer")
      .meta({ description: "Whether runs must be on different nodes.", examples: ["Prefer"] }),
    requireBaseImage: z
      .boolean()
      .default(false)
      .meta({ description: "Whether a spec must pin a base image.", examples: [false] }),
  })
  .prefault({})
  .meta({ description: "What a release of this class must pass.", examples: [{ minBuilds: 2 }] });

export const ClassSpec = z
  .strictObject({
    archives: entries(
      text(LABEL_NAME, "Name that a spec uses.", "debian"),
      Archive,
      { min: 1, max: 32 },
      {
        description: "Package archives by name.",
        example: { debian: { sources: [{ kind: "system" }], keyring: "debian-archive-keyring.gpg" } },
      },
    ),
    imageSources: entries(
      text(LABEL_NAME, "Name that a spec uses in baseImage.", "ubuntu"),
      z.strictObject({
        registry: text(REGISTRY, "Host of the registry.", "docker.io"),
        repository: text(REPOSITORY_NAME, "Path of the image there.", "library/ubuntu"),
      }),
      { min: 0, max: 32 },
      {
        description: "Base images by name.",
        example: { ubuntu: { registry: "docker.io", repository: "library/ubuntu" } },
      },
    ).exactOptional(),
    agentSources: entries(
      text(LABEL_NAME, "Name that a spec uses in agent.", "powernode-agent"),
      z
        .strictObject({
          oci: text(REPOSITORY, "Repository that holds the agent.", "registry.example/powernode/agent").exactOptional(),
          directory: text(AGENT_DIRECTORY, "Folder that holds the agent by digest.", "./agents").exactOptional(),
        })
        .check(
          crossRule(z.record(z.string(), z.unknown()), (source, complain) => {
            if ((source["oci"] === undefined) !== (source["directory"] === undefined)) return;
            complain([], { message: "must have exactly one of oci and directory", remedy: "write one of the two" });
          }),
        ),
      { min: 0, max: 32 },
      { description: "Node agents by name.", example: { "powernode-agent": { directory: "./agents" } } },
    ).exactOptional(),
    lock: z
      .strictObject({
        atAdmission: z
          .boolean()
          .default(false)
          .meta({ description: "Whether a release without a lock is locked at admission.", examples: [false] }),
      })
      .prefault({})
      .meta({
        description: "Where locks come from; left out: from the commit only.",
        examples: [{ atAdmission: false }],
      }),
    gate: Gate,
    build: Build,
    signing: Signing,
    publish: Publish.exactOptional(),
    notify: Notify.exactOptional(),
    network: Network,
    quotas: z
      .strictObject({
        maxConcurrentReleases: z
          .int()
          .min(1)
          .max(1000)
          .default(4)
          .meta({ description: "Most releases of this class at work at once.", examples: [4] }),
        maxConcurrentBuilds: z
          .int()
          .min(1)
          .max(1000)
          .default(2)
          .meta({ description: "Most runs of this class at work at once.", examples: [2] }),
      })
      .prefault({})
      .meta({ description: "How much may go on at once.", examples: [{ maxConcurrentBuilds: 2 }] }),
    retention: z
      .strictObject({
        staging: duration("How long staged runs are kept.", "7d").default("7d"),
        jobs: duration("How long finished Jobs are kept; a day is the most.", "12h").default("12h"),
        evidence: duration("How long the bytes of runs that differ are kept.", "7d").default("7d"),
      })
      .prefault({})
      .meta({ description: "How long things are kept that no record needs.", examples: [{ evidence: "7d" }] }),
    retryBudget: duration("How long a step is retried after faults that pass.", "24h").default("24h"),
  })
  .check(refuseHttp);
export type ClassSpec = z.infer<typeof ClassSpec>;

/** The platform admin's half of a release (release-api.md 3.6): what a spec can name but not change. */
export const DiskImageReleaseClass = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).meta({ description: "Group and version.", examples: [API_VERSION] }),
    kind: z.literal("DiskImageReleaseClass").meta({ description: "Kind.", examples: ["DiskImageReleaseClass"] }),
    metadata: objectMetadata("Name of the class, as specs name it.", "stable"),
    spec: ClassSpec.meta({ description: "What releases of this class get and must pass." }),
  })
  .meta({ title: "DiskImageReleaseClass", description: "Gate, signer and destinations of releases." });
export type DiskImageReleaseClass = z.infer<typeof DiskImageReleaseClass>;
