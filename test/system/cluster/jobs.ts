import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ask } from "./api.ts";
import { type Cluster, kubectl, printed } from "./cluster.ts";
import { accessFrom } from "./credentials.ts";
import { eventually } from "./eventually.ts";

/** A Job of one container that runs a shell script in busybox; what is given besides goes into its parts. */
export type JobShape = {
  readonly name: string;
  readonly script: string;
  readonly namespace?: string;
  readonly image?: string;
  /** labels of its pods, beside `app` */
  readonly labels?: Readonly<Record<string, string>>;
  readonly job?: object;
  readonly pod?: object;
  readonly container?: object;
};

/** The Job's manifest; it is tried once. */
export const jobOf = ({ name, script, namespace = "default", image, labels, job, pod, container }: JobShape) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace },
  spec: {
    backoffLimit: 0,
    ...job,
    template: {
      metadata: { labels: { ...labels, app: name } },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        ...pod,
        containers: [
          { name: "main", image: image ?? "localhost/busybox:1", command: ["sh", "-c", script], ...container },
        ],
      },
    },
  },
});

const Job = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string().optional() })).default([]),
  }),
});

const Terminated = z.object({ exitCode: z.int(), reason: z.string() });
const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ nodeName: z.string().optional() }),
      status: z.object({
        podIP: z.string().optional(),
        containerStatuses: z
          .array(
            z.object({
              state: z.object({
                terminated: Terminated.optional(),
                waiting: z.object({ reason: z.string() }).optional(),
              }),
            }),
          )
          .default([]),
      }),
    }),
  ),
});

export const create = async (cluster: Cluster, ...items: readonly object[]): Promise<void> =>
  void printed(
    await kubectl(cluster, ["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items })),
  );

/** What the API answers; undefined while there is no such thing, or nobody who knows. */
async function answerOf(cluster: Cluster, path: string): Promise<string | undefined> {
  const answer = await ask(accessFrom(await readFile(cluster.kubeconfig, "utf8")), path);
  return answer?.status === 200 ? answer.body : undefined;
}

async function read<T>(cluster: Cluster, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const body = await answerOf(cluster, path);
  return body === undefined ? undefined : schema.parse(JSON.parse(body));
}

/** The pods of a Job that {@link jobOf} made. */
export async function podsOf(cluster: Cluster, { name, namespace = "default" }: JobShape) {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`;
  return (await read(cluster, path, Pods))?.items ?? [];
}

/** How a Job ended: its condition, its container's end where it had one, and what it printed. */
export type JobEnd = {
  readonly condition: string;
  readonly reason: string | undefined;
  readonly terminated: z.infer<typeof Terminated> | undefined;
  readonly log: string;
};

/** Makes a Job and waits for its end. */
export async function runJob(cluster: Cluster, shape: JobShape): Promise<JobEnd> {
  await create(cluster, jobOf(shape));
  return endOf(cluster, shape);
}

/** Waits for the end of a Job. */
export async function endOf(cluster: Cluster, shape: JobShape): Promise<JobEnd> {
  const { name, namespace = "default" } = shape;
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
  const condition = await eventually(`the Job ${name} ends`, { seconds: 120 }, async () => {
    const conditions = (await read(cluster, path, Job))?.status.conditions ?? [];
    return conditions.find(({ type, status }) => status === "True" && /^(Complete|Failed)$/.test(type));
  });
  const [pod] = await podsOf(cluster, shape); // there is none any more if it was ended
  const logs = `/api/v1/namespaces/${namespace}/pods/${pod?.metadata.name}/log`;
  return {
    condition: condition.type,
    reason: condition.reason,
    terminated: pod?.status.containerStatuses[0]?.state.terminated,
    log: pod === undefined ? "" : ((await answerOf(cluster, logs)) ?? ""),
  };
}
