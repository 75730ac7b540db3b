import { parseArgs } from "node:util";
import { EXIT } from "../../../builders/contract/build-failure.ts";
import { ARCHES, type Arch } from "../../../builders/contract/variant.ts";
import { failureOf, failureText } from "../../../controller/commands/failure.ts";
import { ReleaseError } from "../../../controller/domain/errors.ts";
import type { Cluster } from "./cluster.ts";
import { takeDown } from "./down.ts";
import { lockNodeRoot } from "./node-root.ts";
import { bringUp, type UpOptions } from "./up.ts";

const USAGE = `usage: npm run cluster:up -- [--name NAME] [OPTION…]    start a test cluster
       npm run cluster:down -- [--name NAME]            end it; nothing of it is left
       npm run cluster:exec -- [--name NAME] COMMAND…   run a command of this machine in its network
       npm run cluster -- lock                          pin the packages of its node anew
  --name      several clusters may run side by side; without it the name is 'default'
  --policies  enforce NetworkPolicies
  --second-node ARCH  add a second node that says it is of this architecture (amd64, arm64)
  --keep      if it does not come up, leave everything as it is for a look
A real Kubernetes of one node in namespaces of its own: docs/test-cluster.md.`;

const reachedBy = ({ name, kubeconfig, registry, bin }: Cluster): string => {
  const option = name === "default" ? "" : `--name ${name} `;
  return [
    `the cluster '${name}' is up`,
    `  export KUBECONFIG=${kubeconfig} PATH=${bin}:$PATH`,
    `  npm run cluster:exec -- ${option}kubectl get pods -A`,
    `  registry: ${registry} from here, 10.244.0.1:5000 for its pods and its kubelet`,
  ].join("\n");
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const isArch = (text: string): text is Arch => ARCHES.some((arch) => arch === text);

type Options = { readonly command: string; readonly name: string; readonly up: UpOptions };

/** @throws ReleaseError Usage */
function readOptions(): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        name: { type: "string" },
        keep: { type: "boolean" },
        policies: { type: "boolean" },
        "second-node": { type: "string" },
        help: { type: "boolean" },
      },
    });
    if (values.help === true) return undefined;
    const [command = "", ...more] = positionals;
    if (more.length > 0 || !["up", "down", "lock"].includes(command)) throw new TypeError("name up, down or lock");
    const { name = "default", keep = false, policies = false, "second-node": second } = values;
    if (second !== undefined && !isArch(second)) throw new TypeError(`--second-node takes ${ARCHES.join(" or ")}`);
    return { command, name, up: { keep, policies, ...(second === undefined ? {} : { secondNode: second }) } };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // what parseArgs says of unknown options
    throw new ReleaseError("Usage", error.message, "npm run cluster -- --help says what there is", { cause: error });
  }
}

async function run(signal: AbortSignal): Promise<void> {
  const options = readOptions();
  if (options === undefined) return print(USAGE);
  const { command, name, up } = options;
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  if (command === "up") {
    const say = (line: string) => print(`+ ${seconds()} s: ${line}`);
    print(reachedBy(await bringUp(name, { say, signal }, up)));
  } else if (command === "down") {
    await takeDown(name, signal);
    print(`the cluster '${name}' is gone`);
  } else {
    const { packages } = await lockNodeRoot(signal);
    print(`lock.amd64.json: ${packages.length} packages`);
  }
}

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  try {
    await run(stop.signal);
    return EXIT.ok;
  } catch (error) {
    const failure = failureOf(error);
    process.stderr.write(`${failureText(failure)}\n`);
    return failure.exitCode;
  }
}

process.exitCode = await main();
