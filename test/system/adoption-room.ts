import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openAuditedRepository } from "../../controller/adapters/git/audited-repository.ts";
import { openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import { createBundleVerifier } from "../../controller/adapters/signing/bundle-verifier.ts";
import { keySigner } from "../../controller/adapters/signing/key-signer.ts";
import { unverifiedStatement } from "../../controller/domain/bundle-statement.ts";
import { RECORD_FILES } from "../../controller/domain/record-files.ts";
import { recordPath } from "../../controller/domain/record-rules.ts";
import type { FileChange } from "../../controller/domain/spec-files.ts";
import type { AdoptionControllerSettings } from "./adoption-controller.ts";
import type { ControllerStage } from "./controller-room.ts";
import { type RunningController, startControllerScript } from "./running-controller.ts";

const BRANCHES = { specs: "main", records: "release-records" };
const COMMITTER = { author: { name: "a", email: "a@b" } };
const bundlePath = (release: string): string => `${recordPath(release)}/${RECORD_FILES.statement}`;

/** A private key as a Secret holds it: P-256, PKCS#8 in PEM. */
const newKey = (): string => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
};

/** What a counter of /metrics came to, over all lines with these labels; 0: it counted nothing. */
export function sumOf(metrics: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return metrics
    .split("\n")
    .filter((line) => /^[^{ ]*/.exec(line)?.[0] === name && wanted.every((one) => line.includes(one)))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** A controller, and what it and the API server counted. */
export type AdoptionController = RunningController & {
  /** its /metrics */
  readonly metrics: () => Promise<string>;
  /** bundles that it signed */
  readonly signed: () => Promise<readonly string[]>;
};

/** A room whose releases are signed with the key of a Secret, and a repository that outlives the cluster's objects. */
export async function adoptionRoom(stage: ControllerStage, namespace: string) {
  const room = await stage.room(namespace, {
    archives: {
      debian: {
        sources: [{ kind: "mirror", url: "https://deb.example/debian" }],
        keyring: "debian-archive-keyring.gpg",
      },
    },
    quotas: { maxConcurrentReleases: 8, maxConcurrentBuilds: 16 },
  });
  const { repository: directory, folder, run } = room;
  const key = newKey();
  const { identity } = keySigner(key, "the class's key");
  const verifier = createBundleVerifier({ signers: [{ ...identity, id: "local" }], now: () => new Date() });
  const now = () => openAuditedRepository(directory, BRANCHES);
  /** Commits to a branch, as people do. */
  const commit = async (branch: string, changes: readonly FileChange[], message: string): Promise<void> => {
    const options = { specBranch: branch, recordsBranch: BRANCHES.records, committer: COMMITTER };
    const { specs } = await openRepositoryAt({ kind: "own", directory }, options);
    await specs.commit(async () => ({ changes, message }));
  };
  const bundleOf = async (release: string): Promise<string> => {
    const bytes = await (await now()).records.readFile(bundlePath(release));
    return new TextDecoder().decode(bytes ?? new Uint8Array());
  };
  const secret = (name: string, stringData: object) =>
    run(
      ["apply", "--server-side", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData }),
    );
  return {
    room,
    merge: (changes: readonly FileChange[]) => commit(BRANCHES.specs, changes, "merge"),
    /** applies everything that is in the namespace but releases */
    apply: async (): Promise<void> => {
      await secret("signing-key", { "cosign.key": key });
      await secret("registry", { ".dockerconfigjson": '{"auths":{}}' });
      await room.apply();
    },
    /** the tips of specs and records */
    tips: async () => {
      const { specs, records } = await now();
      return { specs: specs.commit, records: records.commit };
    },
    /** whether a release's record is signed with the class's key; @throws ReleaseError SignatureInvalid */
    checkRecord: async (release: string): Promise<string> =>
      (await verifier.verifyStatement(await bundleOf(release))).signer,
    /** has a record say the same, signed with another key */
    signByAnother: async (release: string): Promise<void> => {
      const statement = unverifiedStatement(bundlePath(release), await bundleOf(release));
      const content = await keySigner(newKey(), "another key").signStatement(statement, new AbortController().signal);
      await commit(BRANCHES.records, [{ path: bundlePath(release), content }], "not by imgrel");
    },
    start: async (builds: AdoptionControllerSettings["builds"], signal: AbortSignal): Promise<AdoptionController> => {
      const scratch = await mkdtemp(join(folder, "scratch-"));
      const signatures = join(folder, `${builds}-signatures`);
      const settings: AdoptionControllerSettings = {
        ...{ kubeconfig: stage.cluster.kubeconfig, namespace, scratch, signatures, builds, log: room.newLog() },
      };
      const running = startControllerScript("test/system/adoption-controller.ts", settings, signal);
      const lines = async (file: string): Promise<string[]> => {
        const text = await readFile(file, "utf8").catch(() => ""); // nothing was written yet
        return text.split("\n").filter((line) => line.endsWith("}"));
      };
      return {
        ...running,
        metrics: async () => {
          const listening = (await lines(settings.log)).find((line) => line.includes('"what":"probes"')) ?? "{}";
          const { port } = JSON.parse(listening) as { port?: number };
          return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        },
        signed: () => lines(signatures),
      };
    },
  };
}
