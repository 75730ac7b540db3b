import { formatBytes } from "../../controller/domain/format.ts";
import { AT_ONCE, leading, measureRound } from "./cluster.ts";
import { openRoom, startController } from "./cluster-room.ts";
import { fakeKubelet } from "./fake-kubelet.ts";
import { describeUse } from "./machine-state.ts";

/**
 * As clusterReleases, but with the real runner of Jobs: Jobs, pods and claims are objects of the test cluster, whose own
 * Job controller makes the pods and ends the Jobs. What the pods do is played by a kubelet in this process, with a client
 * of its own; staging and the logs of boots are in the controller's memory. A release has the six targets that this version
 * boots, all of them booted: two arches with a fetch, two builds and two publications each, and eight boots, so 18 Jobs.
 * The other two targets would not add any.
 */
export async function jobReleases(rounds: number, releases: number): Promise<void> {
  await using room = await openRoom("jobsbench", AT_ONCE);
  const controller = await startController(room, "jobs");
  const said = async (labels: Readonly<Record<string, string>>): Promise<object> => {
    const answer = await fetch(`${controller.url}?${new URLSearchParams(labels).toString()}`);
    const message = (await answer.json()) as object | null;
    if (message === null) throw new Error(`nobody knows what a pod with these labels says: ${JSON.stringify(labels)}`);
    return message;
  };
  const stop = new AbortController();
  const kubelet = fakeKubelet(room.client, room.buildNamespace, said, stop.signal);
  const work = async (): Promise<void> => {
    console.log(`RSS before the first release ${formatBytes((await leading(room, controller)).rss)}`);
    for (let number = 1; number <= rounds; number += 1) {
      const { use } = await measureRound(room, controller, { number, releases, target: 110, booted: true });
      console.log(`  ${describeUse(use)}`);
    }
  };
  try {
    await Promise.race([work(), kubelet]);
  } finally {
    stop.abort();
    await controller.stop();
  }
  await kubelet;
}
