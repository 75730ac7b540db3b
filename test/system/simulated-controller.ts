import { z } from "zod";
import { createLogger } from "../../controller/adapters/logger.ts";
import { createPrometheusMetrics } from "../../controller/adapters/prometheus-metrics.ts";
import { connectCluster, runClusterController } from "../../controller/cluster-wiring.ts";
import { actionKey } from "../../controller/domain/action.ts";
import { effectsFolder } from "./effects-folder.ts";
import { runAsProcess } from "./run-as-process.ts";
import { simulatedOpener } from "./simulated-releases.ts";

// A controller as a process of its own: `node simulated-controller.ts <settings>`. What it does to releases is simulated,
// and stays in files.

/** Paths are absolute. */
const Settings = z.strictObject({
  kubeconfig: z.string(),
  /** base address of the API server, in place of the one in the kubeconfig */
  server: z.url().optional(),
  namespace: z.string(),
  scratch: z.string(),
  log: z.string(),
  /** folder of what it did (effects-folder.ts) */
  effects: z.string(),
});
export type SimulatedControllerSettings = z.infer<typeof Settings>;

const settings = Settings.parse(JSON.parse(process.argv[2] ?? ""));
const { kubeconfig, server, namespace, scratch } = settings;
const effects = effectsFolder(settings.effects);
const connection = await connectCluster({}, kubeconfig);
await runAsProcess(async (stop) =>
  runClusterController(
    {
      connection: { ...connection, namespace, ...(server === undefined ? {} : { server: new URL(server) }) },
      ...{ scratch, metrics: createPrometheusMetrics() },
      log: await createLogger({ file: settings.log, cwd: "/", debug: true }),
      opener: (view) =>
        simulatedOpener(view, {
          done: (release) => new Set(effects.of(release)),
          perform: async (release, action, signal) => {
            const key = actionKey(action);
            await effects.passPoint(`${release} ${key} before`, signal);
            effects.add(release, key);
            await effects.passPoint(`${release} ${key} after`, signal);
          },
        }),
    },
    stop,
  ),
);
