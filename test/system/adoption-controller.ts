import { appendFileSync } from "node:fs";
import { z } from "zod";
import { createLogger } from "../../controller/adapters/logger.ts";
import { type ClusterView, connectCluster, serveController } from "../../controller/cluster-wiring.ts";
import { clusterOpener, type ClusterParts, clusterParts } from "../../controller/cluster-work.ts";
import { CLUSTER_BUILDER } from "../../controller/domain/provenance.ts";
import type { Signer } from "../../controller/ports/signer.ts";
import { memoryRepository } from "../bench/memory-ports.ts";
import { runAsProcess } from "./run-as-process.ts";
import { smallBuilds } from "./small-builds.ts";

// A controller as a process of its own: `node adoption-controller.ts <settings>`. Its work on releases is that of a cluster,
// with the key of a Secret and records in git. Its registries are in its memory, and it has a builder image for every lock.

/** Paths are absolute. */
const Settings = z.strictObject({
  kubeconfig: z.string(),
  namespace: z.string(),
  scratch: z.string(),
  log: z.string(),
  /** file that gets a line for each signature */
  signatures: z.string(),
  /** `small`: runs and boots are done here, without a Job (small-builds.ts) */
  builds: z.enum(["small", "jobs"]),
});
export type AdoptionControllerSettings = z.infer<typeof Settings>;

const { kubeconfig, namespace, scratch, log, signatures, builds } = Settings.parse(JSON.parse(process.argv[2] ?? ""));
const options = {
  ...{ controllerImage: `registry.example/imgrel/controller@sha256:${"c".repeat(64)}`, builderId: CLUSTER_BUILDER },
  ...{ scratch, perturbation: null },
};
const [images, inputs] = [memoryRepository("registry.example/images"), memoryRepository("registry.example/inputs")];

/** The same signer; each signature is written down before it is given out. */
function counted({ identity, signFile, signStatement }: Signer): Signer {
  const note = (bundle: string): string => {
    appendFileSync(signatures, `${JSON.stringify({ bundle })}\n`);
    return bundle;
  };
  return {
    identity,
    signFile: async (...args) => note(await signFile(...args)),
    signStatement: async (...args) => note(await signStatement(...args)),
  };
}

function partsOf(view: ClusterView): ClusterParts {
  const parts = clusterParts(view, options);
  return {
    ...parts,
    stores: async () => ({ images, inputs }),
    checkBuilder: async () => undefined,
    signing: async (...args) => {
      const { signer, verifier } = await parts.signing(...args);
      return { signer: counted(signer), verifier };
    },
    ...(builds === "jobs" ? {} : { runner: async (_, { work }) => smallBuilds(work, inputs) }),
  };
}

const connection = await connectCluster({}, kubeconfig);
await runAsProcess(async (stop) =>
  serveController(
    {
      ...{ connection: { ...connection, namespace }, scratch, listen: "127.0.0.1:0", webhookListen: undefined },
      log: await createLogger({ file: log, cwd: "/", debug: true }),
      opener: clusterOpener(options, partsOf),
    },
    stop,
  ),
);
