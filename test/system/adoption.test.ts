import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AdoptionController, adoptionRoom, sumOf } from "./adoption-room.ts";
import { eventually } from "./cluster/eventually.ts";
import { type ControllerStage, isReady, openStage, reasonOf } from "./controller-room.ts";
import { guideLines, runGuideLines } from "./install-guide.ts";
import { smallReleases } from "./small-builds.ts";

// What is left of imgrel when its namespaces and its kinds are gone is git and a key. The controller that comes after them
// takes every release as done that its repository records. It makes real Jobs for what it takes as not done.
const SYSTEM = "imgrel-system";
const BUILD = "imgrel-build";
const RELEASES = Array.from({ length: 20 }, (_, index) => `release-${index + 1}`);
const DAMAGED = "damaged";
const NEW = "new";
/** Seconds for all of {@link RELEASES}, from the moment when the first of them is there. */
const LIMIT = 60;
const noMore = new AbortController();
let stage: ControllerStage;
let imgrel: Awaited<ReturnType<typeof adoptionRoom>>;
let second: AdoptionController;

/** Jobs that the API server was asked to make, by whom ever. */
const jobsMade = async (): Promise<number> =>
  sumOf(await imgrel.room.run(["get", "--raw", "/metrics"]), "apiserver_request_total", {
    ...{ group: "batch", resource: "jobs", verb: "POST" },
  });
const jobs = (): Promise<string> => imgrel.room.run(["--namespace", BUILD, "get", "jobs", "-o", "name"]);
const guide = async (heading: string): Promise<string> => {
  const [lines = ""] = (await guideLines(heading)).split("# now the Secrets\n");
  return runGuideLines(stage.cluster, imgrel.room.folder, lines, noMore.signal);
};
const seconds = (since: number): number => (performance.now() - since) / 1000;

beforeAll(async () => {
  stage = await openStage("adoption");
  imgrel = await adoptionRoom(stage, SYSTEM);
  await guide("Install");
  await imgrel.apply();
  await imgrel.merge([{ path: "specs/first/release.yaml", content: null }, ...smallReleases([...RELEASES, DAMAGED])]);
});
afterAll(async () => {
  noMore.abort();
  await stage[Symbol.asyncDispose]();
});

describe("a cluster that loses imgrel's namespaces and kinds", () => {
  it("has releases that a controller signed and recorded, which nothing holds", async () => {
    const { room, start, checkRecord } = imgrel;
    const first = await start("small", noMore.signal);
    await room.untilAll([...RELEASES, DAMAGED], "is ready, and not held", (one) => isReady(one) && !one.held);
    const admitted = (await room.releases())?.map((one) => reasonOf(one, "Admitted"));
    expect(new Set(admitted)).toEqual(new Set(["Accepted"]));
    for (const name of [...RELEASES, DAMAGED]) expect(await checkRecord(name)).toBe("local");
    const metrics = await first.metrics();
    // four about its target, its record, and the index of all
    expect((await first.signed()).length).toBeGreaterThanOrEqual(6 * (RELEASES.length + 1));
    expect(sumOf(metrics, "imgrel_sign_total", { result: "success" })).toBe(4 * (RELEASES.length + 1));
    expect(sumOf(metrics, "imgrel_git_push_total", { result: "pushed" })).toBeGreaterThan(0);
    await first.kill("SIGTERM");
    expect((await first.ended).exitCode).toBe(0);
  });

  it("is rid of them by the lines of the guide, even when no controller runs", async () => {
    await guide("Uninstall");
    expect(await imgrel.room.run(["get", "namespaces", "-o", "name"])).not.toContain("imgrel");
    expect(await imgrel.room.run(["api-resources", "--api-group=releases.powernode.io", "-o", "name"])).toBe("");
  });

  it("has them back from git within a minute, without a Job, a signature, a webhook or a commit", async () => {
    const { room, apply, start, signByAnother, tips } = imgrel;
    await signByAnother(DAMAGED);
    const before = await tips();
    await guide("Install");
    await apply();
    second = await start("jobs", noMore.signal);
    const begun = performance.now();
    await room.until("a release is there", async () => ((await room.releases())?.length ?? 0) > 0);
    const synced = performance.now();
    await eventually("all are ready, or wait for a person", { seconds: LIMIT, log: second.log }, async () => {
      const known = (await room.releases()) ?? [];
      const ended = known.filter((one) => isReady(one) || reasonOf(one, "Stalled") !== undefined);
      return ended.length > RELEASES.length;
    });
    process.stdout.write(
      `${seconds(synced).toFixed(1)} s after the first was there, ${seconds(begun).toFixed(1)} s in all\n`,
    );
    await sleep(5000); // two more looks at the repository
    const found = (await room.releases()) ?? [];
    expect(found.map(({ name }) => name).toSorted()).toEqual([...RELEASES, DAMAGED].toSorted());
    const conditions = (name: string) =>
      found
        .find((one) => one.name === name)
        ?.status.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)
        .toSorted();
    for (const name of RELEASES) {
      expect(conditions(name)).toEqual(["Admitted=True Adopted", "Ready=True Succeeded", "Recorded=True Pushed"]);
    }
    expect(conditions(DAMAGED)).toEqual([
      ...["Admitted=False RecordInvalid", "Ready=False RecordInvalid", "Stalled=True RecordInvalid"],
    ]);
    expect(found.filter(({ held }) => held)).toEqual([]);

    const metrics = await second.metrics();
    const done = ["build_attempts", "sign", "publish", "notify", "git_push"];
    expect(sumOf(metrics, "imgrel_api_requests_total", { verb: "list", resource: "diskimagereleases" })).not.toBe(0);
    expect(sumOf(metrics, "imgrel_api_requests_total", { verb: "create", resource: "jobs" })).toBe(0);
    expect(done.filter((counter) => sumOf(metrics, `imgrel_${counter}_total`) > 0)).toEqual([]);
    expect(await second.signed()).toEqual([]);
    expect([await jobs(), await jobsMade()]).toEqual(["", 0]);
    expect(await tips()).toEqual(before);
  });

  it("builds what is not recorded: a Job for a new release is made, and counted", async () => {
    const { room, merge } = imgrel;
    await merge(smallReleases([NEW]));
    await room.until("a Job is there", async () => (await jobs()) !== "");
    expect(await jobsMade()).toBeGreaterThan(0);
    const metrics = await second.metrics();
    expect(sumOf(metrics, "imgrel_api_requests_total", { verb: "create", resource: "jobs" })).toBeGreaterThan(0);
    await second.kill("SIGKILL"); // it would wait for the Job
    await second.ended;
  });
});
