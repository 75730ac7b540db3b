import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { ARTIFACT_TYPE } from "../../controller/domain/artifact-manifest.ts";
import { ANNOTATION } from "../../controller/domain/oci.ts";
import { imgrel, IMGREL_ENV, PROJECT } from "../imgrel.ts";
import { onHost, runTools } from "../toolbox.ts";
import {
  inHook,
  isPut,
  killedBy,
  resumed,
  type Trigger,
  whenCommitted,
  whenSent,
  whenStored,
  whenThere,
} from "./kill-triggers.ts";
import {
  type Case,
  caseOf,
  commitsIn,
  copyOf,
  gitOf,
  keep,
  openPublicationRoom,
  PLACE,
  type PublicationRoom,
  published,
  recordCommits,
  restore,
} from "./publication-room.ts";
import { expectKept, expectOnce, namedBy, ofType } from "./publication-traces.ts";
import type { RegistryContents } from "./registry-contents.ts";
import type { Exchange } from "./watched-registry.ts";

// One release, built and booted once. Each case publishes a copy of it to docker-registry, is killed with all that it
// started where an effect is there and its record is not, and is started once more. What kills it are its real peers:
// a way to the registry that sees each request, a hook of git, a file that appears.
const [KERNEL, RAW] = ["demo-amd64-kernel-initrd", "demo-amd64-raw"];
const RECORDS = "refs/heads/release-records";
let room: PublicationRoom;
let reference: Release;

/** A finished release. */
type Release = RegistryContents & {
  /** SHA256SUMS of its record */
  readonly sums: string;
  /** paths on the branch of records */
  readonly files: readonly string[];
};

async function releaseOf(one: Case): Promise<Release> {
  const sums = await gitOf(one, "show", "release-records:records/demo/SHA256SUMS");
  const files = await gitOf(one, "ls-tree", "-r", "--name-only", "release-records");
  return { ...(await published(one.room)), sums, files: files.split("\n") };
}

const isTagged = (exchange: Exchange): boolean => isPut(exchange, KERNEL) || isPut(exchange, RAW);

beforeAll(async () => {
  room = await openPublicationRoom();
  const booted = caseOf(room, "booted");
  await killedBy(
    booted,
    whenSent(({ method }) => method === "POST"),
  );
  await keep(booted);
  const undisturbed = await copyOf(booted, "undisturbed");
  await resumed(undisturbed);
  reference = await releaseOf(undisturbed);
  await keep(undisturbed);
  const untagged = await copyOf(booted, "untagged");
  await killedBy(untagged, whenSent(isTagged));
  await keep(untagged);
});
afterAll(() => room[Symbol.asyncDispose]());

const kernelManifest = (): string => reference.tags.get(KERNEL) ?? "";
const titleOf = ({ annotations }: { annotations?: Readonly<Record<string, string>> }) =>
  annotations?.[ANNOTATION.title];
const layersOf = ({ tags, manifests }: RegistryContents, tag: string) =>
  manifests.get(tags.get(tag) ?? "")?.layers ?? [];
const initramfs = () => {
  const found = layersOf(reference, KERNEL).find((layer) => titleOf(layer) === "initramfs.cpio.zst");
  if (found === undefined) throw new Error("the kernel has no initramfs");
  return found;
};
const bundles = (contents: RegistryContents): string[] => ofType(contents, ARTIFACT_TYPE.bundle);
/** Types of the manifests that are no bundles, sorted. */
const artifacts = ({ manifests }: RegistryContents): string[] =>
  [...manifests.values()]
    .map((one) => one.artifactType)
    .filter((type) => type !== ARTIFACT_TYPE.bundle)
    .toSorted();
/** How many referrers each manifest has that has some, sorted. */
const referrerCounts = ({ referrers }: RegistryContents): number[] =>
  [...referrers.values()].map((listed) => listed.length).toSorted((a, b) => a - b);
const whenBothAreTagged = (): Trigger => {
  let written = 0;
  return whenSent((exchange) => {
    if (isTagged(exchange) && exchange.answered === 201) written += 1;
    return written === 2;
  });
};
/** Both are written side by side: one is held until the other is there. */
const whenOneIsTagged = (): Trigger => {
  const { promise: tagged, resolve } = Promise.withResolvers<boolean>();
  return whenSent((exchange) => {
    if (isPut(exchange, KERNEL) && exchange.answered === 201) resolve(true);
    return isPut(exchange, RAW) ? tagged : false;
  });
};

type Point = {
  /** what is there, and what is not */
  readonly name: string;
  /** the killed release that it goes on from: `booted`, with nothing published, or `untagged`, with all but its tags */
  readonly from: "booted" | "untagged";
  /** whether the record goes to a repository of others */
  readonly others?: true;
  readonly before?: (one: Case) => Promise<void>;
  readonly trigger: () => Trigger;
  /** whether signatures were stored that no list names, so that those documents are signed again */
  readonly unlisted?: true;
  /** checks that it was killed just there */
  readonly left: (one: Case, stored: RegistryContents) => Promise<void> | void;
};

const POINTS: readonly Point[] = [
  {
    name: "a key, and nothing signed",
    from: "booted",
    before: async ({ state }) => {
      for (const name of await readdir(join(state, "keys"))) await rm(join(state, "keys", name));
      await rm(join(state, "policy.yaml"));
    },
    trigger: () => whenThere(({ state }) => join(state, "keys/signing.key")),
    left: async ({ state }, stored) => {
      expect(await readdir(state)).not.toContain("policy.yaml");
      expect(stored.blobs.size).toBe(0);
    },
  },
  {
    name: "half a blob",
    from: "booted",
    trigger: () =>
      whenSent(({ method, path, sent }) => {
        const { digest, size } = initramfs();
        return method === "PUT" && path.includes(encodeURIComponent(digest)) && sent > size / 2;
      }),
    left: (_, stored) => expect([...stored.blobs]).not.toContain(initramfs().digest),
  },
  {
    name: "all blobs, and not their manifest",
    from: "booted",
    trigger: () => whenSent((exchange) => isPut(exchange, kernelManifest())),
    left: (_, stored) => {
      for (const { digest } of layersOf(reference, KERNEL)) expect([...stored.blobs]).toContain(digest);
      expect([...stored.manifests.keys()]).not.toContain(kernelManifest());
    },
  },
  {
    name: "a manifest without signatures or tag",
    from: "booted",
    trigger: () => whenSent((exchange) => isPut(exchange, kernelManifest()) && exchange.answered === 201),
    left: (_, stored) => {
      expect([...stored.manifests.keys()]).toContain(kernelManifest());
      expect(stored.referrers.has(kernelManifest())).toBe(false);
      expect(stored.tags.size).toBe(0);
    },
  },
  {
    name: "a signature that no list names",
    from: "booted",
    unlisted: true,
    trigger: () => {
      const files = [...reference.manifests.keys()].filter((digest) => !bundles(reference).includes(digest));
      return whenSent(({ method, path, answered }) => {
        const digest = /\/manifests\/(sha256:.*)$/.exec(path)?.[1];
        return method === "PUT" && answered === 201 && digest !== undefined && !files.includes(digest);
      });
    },
    left: (_, stored) =>
      expect(bundles(stored).length).toBeGreaterThan(referrerCounts(stored).reduce((sum, count) => sum + count, 0)),
  },
  {
    name: "a disk image's manifest with its signature, and nothing beside it",
    from: "booted",
    trigger: () => whenStored(ARTIFACT_TYPE.diskImage),
    left: (_, stored) => {
      const [image = ""] = ofType(stored, ARTIFACT_TYPE.diskImage);
      expect(image).not.toBe("");
      expect(stored.referrers.has(image)).toBe(false);
      expect(stored.tags.size).toBe(0);
    },
  },
  {
    name: "all manifests, and no tag",
    from: "untagged",
    trigger: () => whenSent(isTagged),
    left: (_, stored) => {
      expect(artifacts(stored)).toEqual(artifacts(reference));
      expect(referrerCounts(stored)).toEqual(referrerCounts(reference));
      expect(stored.tags.size).toBe(0);
    },
  },
  {
    name: "one of two tags",
    from: "untagged",
    trigger: whenOneIsTagged,
    left: (_, stored) => expect([...stored.tags.keys()]).toEqual([KERNEL]),
  },
  {
    name: "all tags, and no record",
    from: "untagged",
    trigger: whenBothAreTagged,
    left: async (one, stored) => {
      expect(stored.tags.size).toBe(2);
      expect(await recordCommits(one)).toBe(0);
    },
  },
  {
    name: "a commit, and its branch not moved",
    from: "untagged",
    trigger: () => whenCommitted(RECORDS, KERNEL),
    left: async (one) => {
      expect(await commitsIn(one)).toBeGreaterThan(Number(await gitOf(one, "rev-list", "--count", "--all")));
      expect(await recordCommits(one)).toBe(0);
    },
  },
  {
    name: "a commit that others were sent, and their branch not moved",
    from: "untagged",
    others: true,
    trigger: () => inHook("pre-receive"),
    left: async (one) => {
      expect(await readdir(join(one.git, "hooks"))).toEqual([]); // it ran
      expect(await recordCommits(one)).toBe(0);
    },
  },
  {
    name: "the record",
    from: "untagged",
    trigger: () => whenThere(({ git }) => join(git, RECORDS)),
    left: async (one) => expect(await recordCommits(one)).toBe(1),
  },
  {
    name: "the record in the repository of others",
    from: "untagged",
    others: true,
    trigger: () => inHook("post-receive"),
    left: async (one) => expect(await recordCommits(one)).toBe(1),
  },
];

const verify = (one: Case, ...more: readonly string[]): Promise<Outcome> => {
  const places = ["--repo", one.git, "--policy", join(one.state, "policy.yaml"), "--state", join(one.state, "seen")];
  return imgrel("verify", "demo", ...places, ...more);
};

/** It is what the release is that nobody killed, but for its signatures, and there is nothing of it twice. */
function expectReference(release: Release): void {
  const files = (of: Release, tag: string) =>
    layersOf(of, tag).filter((layer) => titleOf(layer)?.endsWith("-bundle") !== true);
  expect([...release.tags.keys()]).toEqual([...reference.tags.keys()]);
  expect(release.tags.get(KERNEL)).toBe(kernelManifest());
  expect(files(release, RAW)).toEqual(files(reference, RAW)); // two signatures are never the same
  expect(artifacts(release)).toEqual(artifacts(reference));
  expect(referrerCounts(release)).toEqual(referrerCounts(reference));
  expect(release.sums).toBe(reference.sums);
  expect(release.files).toEqual(reference.files);
}

describe("imgrel run, killed when there is", () => {
  it.each(POINTS)("$name: publishes once and records once", async (point) => {
    const one = await copyOf(caseOf(room, point.from), point.name.replaceAll(/[^a-z]+/g, "-"), point.others);
    await point.before?.(one);
    await killedBy(one, point.trigger());
    const left = await published(room);
    await point.left(one, left);
    const key = () => readFile(join(one.state, "keys/signing.key"), "utf8");
    const before = await key();
    const last = await resumed(one);
    const commit = (await gitOf(one, "rev-parse", RECORDS)).trim();
    expect(last).toContain(`; record ${commit}`);
    expect(await recordCommits(one)).toBe(1);
    expect(await key()).toBe(before);
    const release = await releaseOf(one);
    expectReference(release);
    const named = await namedBy(one);
    expectKept(left, release, named);
    expectOnce(release, named, reference);
    expect(await gitOf(one, "rev-list", "--count", "main", "--", "policy/verify.yaml")).toBe("1\n");
    const more = bundles(release).length - bundles(reference).length;
    if (point.unlisted === true) expect(more).toBeGreaterThan(0);
    else expect(more).toBe(0);
    const proven = await verify(one);
    expect(proven.exitCode, proven.stdout + proven.tail).toBe(5); // it was given no artifacts
    expect(proven.stdout.match(/^(?:FAIL|SKIP) .*/gm)).toEqual([expect.stringMatching(/^SKIP {2}artifacts /)]);
  });
});

describe("what docker-registry has of the release", () => {
  const undisturbed = () => caseOf(room, "undisturbed");
  const oras = async (...args: readonly string[]): Promise<void> => {
    const outcome = await exec({
      ...onHost(room.toolchain, "oras", args),
      env: { ...PLAIN_ENV, HOME: undisturbed().state },
    });
    expect(outcome.exitCode, outcome.tail).toBe(0);
  };
  const named = (tag: string): string => `${room.registry.host}/${PLACE}/images:${tag}`;
  beforeAll(() => restore(undisturbed()));

  it("is pulled by oras as the platform does, and cosign verifies what came", async () => {
    const { state } = undisturbed();
    await oras("pull", "--plain-http", named(RAW), "--output", join(state, "pulled"));
    const names = ["installer.attestation-bundle", "installer.cosign-bundle", "installer.img"];
    expect((await readdir(join(state, "pulled"))).toSorted()).toEqual(names);
    // cosign reads no blob above 128 MiB for an attestation unless it is told to
    const env = "export HOME=/w TUF_ROOT=/w/tuf COSIGN_MAX_ATTACHMENT_SIZE=2GB";
    const cosign = (line: string) =>
      runTools(room.toolchain, state, `cd pulled; ${env}; cosign ${line} installer.img 2>&1`);
    const by = "--key /w/keys/signing.pub --insecure-ignore-tlog";
    expect(await cosign(`verify-blob ${by} --bundle installer.cosign-bundle`)).toContain("Verified OK");
    expect(await cosign(`verify-blob-attestation ${by} --bundle installer.attestation-bundle`)).toContain(
      "Verified OK",
    );
  });
  it("is proven by imgrel verify from the registry itself", async () => {
    const reached = ["--registry", `${room.registry.host}/${PLACE}`, "--allow-http", "--allow-private"];
    const proven = await verify(undisturbed(), ...reached);
    expect(proven.exitCode, proven.stdout + proven.tail).toBe(0);
    expect(proven.stdout).not.toMatch(/^(FAIL|SKIP)/m);
  });
  it("is proven by imgrel verify from a copy of it, without a network", async () => {
    const { state, git } = undisturbed();
    const layout = join(state, "copied");
    for (const tag of [KERNEL, RAW]) {
      await oras("copy", "--from-plain-http", named(tag), "--to-oci-layout", `${layout}:${tag}`);
    }
    const places = ["--repo", git, "--policy", join(state, "policy.yaml"), "--registry", layout];
    const args = ["verify", "demo", ...places, "--state", join(state, "seen"), "--offline"];
    const outcome = await exec({
      ...{ program: "unshare", args: ["--net", process.execPath, "controller/main.ts", ...args] },
      ...{ cwd: PROJECT, env: IMGREL_ENV },
    });
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(0);
    expect(outcome.stdout).not.toMatch(/^(FAIL|SKIP)/m);
  });
});
