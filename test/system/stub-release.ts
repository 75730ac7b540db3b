import { join } from "node:path";
import { type Digest, digestOf } from "../../builders/contract/digest.ts";
import { INSIDE } from "../../builders/contract/inside.ts";
import { POD } from "../../builders/contract/pod.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import type { JobProgress } from "../../controller/domain/jobs/job-progress.ts";
import type { JobSettings } from "../../controller/domain/jobs/job-settings.ts";
import { releaseSelector } from "../../controller/domain/jobs/object-labels.ts";
import { stagingTag, tagOf } from "../../controller/domain/jobs/object-names.ts";
import { REGISTRY_SECRET } from "../../controller/domain/jobs/registry-pod.ts";
import { demoSettings } from "../fakes/job-context.ts";
import { stageFiles, writeDemoRun } from "../fakes/staged-run.ts";
import { type Cluster, kubectl, printed } from "./cluster/cluster.ts";
import { eventually } from "./cluster/eventually.ts";
import { busyboxLayer, fileLayer, storeImage } from "./cluster/images.ts";
import { create } from "./cluster/jobs.ts";
import { PLAIN, type RunnerPlan, stubRunner, type Watched } from "./stub-runner.ts";

/** The cluster's registry, as its kubelet and its pods know it. */
const REGISTRY = "10.244.0.1:5000";

// Pods run the programs that their manifests name. In these images each is a shell script that reads what to do: a build
// from its inputs, a registry pod from the file of its credentials.
const PROGRAMS = {
  [`${INSIDE.project}/builders/host/pod.sh`]: `exec /bin/sh ${INSIDE.in}/build.sh\n`,
  "bin/pod": '#!/bin/sh\nexec /bin/sh "$DOCKER_CONFIG/config.json"\n',
};

/** Shell commands that leave a message and end well. */
const saying = (message: object): string => `printf '%s' '${JSON.stringify(message)}' > ${POD.message}; exit 0\n`;

/** What all releases of a test file share. */
export type StubRoom = {
  readonly cluster: Cluster;
  readonly folder: string;
  /** image with the programs */
  readonly image: string;
  readonly busybox: Uint8Array;
  /** what every run leaves, in `volume` */
  readonly made: Awaited<ReturnType<typeof writeDemoRun>>;
};

const registryOf = ({ registry }: Cluster, repository: string) =>
  openRegistry({ repository: `${registry}/${repository}`, network: PLAIN });

/** @param folder an empty one */
export async function stubRoom(cluster: Cluster, folder: string, signal: AbortSignal): Promise<StubRoom> {
  const busybox = await busyboxLayer(cluster.folder);
  const layers = [busybox, await fileLayer(folder, PROGRAMS)];
  const digest = await storeImage(registryOf(cluster, "stubs"), layers, ["/bin/sh"], "programs", signal);
  const made = await writeDemoRun(join(folder, "volume"));
  return { cluster, folder, busybox, made, image: `${REGISTRY}/stubs@${digest}` };
}

/** Scripts of a release's pods; what is left out ends well. `{{DONE}}` in `build` stands for a good end. */
export type StubScripts = { readonly build?: string; readonly fetch?: string };

/** A release whose Jobs are real, in a namespace of its own. */
export async function stubRelease(
  { cluster, folder, busybox, made, image }: StubRoom,
  name: string,
  scripts: StubScripts,
  over: Partial<JobSettings>,
  signal: AbortSignal,
) {
  const run = async (...args: readonly string[]): Promise<string> =>
    printed(await kubectl(cluster, ["--namespace", name, ...args])).trimEnd();
  const identity = { repository: "https://git.example/specs", release: name, specDigest: digestOf(name) };
  const settings: JobSettings = {
    ...demoSettings(),
    ...{ namespace: name, serviceAccountName: "builder", scratch: { size: "1Gi" }, runtimeClassName: "nonet" },
    images: { builder: image, boot: image, controller: image },
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } },
    maxResources: {},
    deadlineSeconds: 240,
    ...over,
  };

  const done = saying({ schemaVersion: 1, manifest: made.digest, cpus: "0" });
  const build = (scripts.build ?? "{{DONE}}").replaceAll("{{DONE}}", done);
  const layers = [busybox, await fileLayer(folder, { "inputs/build.sh": build })];
  const inputs = await storeImage(registryOf(cluster, `${name}/inputs`), layers, ["/bin/sh"], "inputs", signal);
  const fetched = saying({ schemaVersion: 1, inputsImage: inputs });

  const staging = registryOf(cluster, `${name}/staging`);
  /** What a publish pod of a run does, done here: the stub only tells of it. */
  const stage = async (number: number): Promise<{ digest: Digest; tag: string }> => {
    const digest = await stageFiles(staging, join(folder, "volume"), made.paths);
    const tag = tagOf(stagingTag(identity, "amd64", number), digest);
    await staging.tag(tag, digest, signal);
    return { digest, tag };
  };
  const staged = await stage(1);
  const published = saying({ schemaVersion: 1, manifest: made.digest, staged: staged.digest });

  const named = (kind: string, of: string, rest: object) => ({
    ...{ apiVersion: "v1", kind, metadata: { name: of, namespace: name } },
    ...rest,
  });
  const secret = (of: string, script: string) => named("Secret", of, { stringData: { ".dockerconfigjson": script } });
  const labels = { "pod-security.kubernetes.io/enforce": "baseline" };
  await create(cluster, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  await create(
    cluster,
    named("ServiceAccount", "builder", {}),
    secret(REGISTRY_SECRET.fetch, scripts.fetch ?? fetched),
    secret(REGISTRY_SECRET.publish, published),
  );

  const plan: RunnerPlan = {
    ...{ kubeconfig: cluster.kubeconfig, identity, settings, retryAt: "" },
    ...{ staging: `${cluster.registry}/${name}/staging`, inputs: `${REGISTRY}/${name}/inputs` },
    work: join(folder, name),
  };
  const told: JobProgress[] = [];
  const list = async (kinds: string): Promise<string[]> => {
    const names = await run("get", kinds, "--selector", releaseSelector(name), "--output", "name");
    return names.split("\n").flatMap((line) => (line === "" ? [] : [line.slice(line.indexOf("/") + 1)]));
  };
  return {
    ...{ namespace: name, identity, settings, plan, told, run, list, staged, staging },
    /** a process's own runner; it notes how Jobs stand in `told` */
    start: (watched: Watched = {}, changed: Partial<RunnerPlan> = {}) =>
      stubRunner({ ...plan, ...changed }, signal, { onJob: (progress) => void told.push(progress), ...watched }),
    /** Jobs by the part of their names that says what they are: `-b1-` */
    jobs: async (part: string) => (await list("jobs")).filter((job) => job.includes(part)),
    /** the pod of a run that is at work; the Jobs before it must have ended by then */
    running: (part: string): Promise<string> =>
      eventually(`${name}: a pod of ${part} runs`, { seconds: 180, signal }, async () => {
        const running = await run("get", "pods", "--field-selector", "status.phase=Running", "--output", "name");
        return running
          .split("\n")
          .find((line) => line.includes(part))
          ?.slice("pod/".length);
      }),
    /** lets fetch pods do what they were not to do at first */
    mendFetch: () =>
      run(
        ...["patch", "secret", REGISTRY_SECRET.fetch, "--type", "merge", "--patch"],
        JSON.stringify({ stringData: { ".dockerconfigjson": fetched } }),
      ),
  };
}
