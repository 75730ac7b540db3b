import { describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { MEMORY_FOR_TMPFS, PLAIN, variedAspects } from "../../../builders/contract/variation.ts";
import { demoBuildPod, demoJobContext } from "../../../test/fakes/job-context.ts";
import { mebibytes } from "./amounts.ts";
import { type BuildPod, buildJob, podVariation } from "./build-job.ts";
import type { JobSettings } from "./job-settings.ts";
import { claimName } from "./object-names.ts";

const first = { attempt: 1, deadlineSeconds: 7200 };
const podOf = (pod: Partial<BuildPod> = {}, over: Partial<JobSettings> = {}) => {
  const context = demoJobContext(over);
  return buildJob(context, demoBuildPod({ resources: context.settings.resources, ...pod }), first).spec.template.spec;
};
const envOf = (pod: ReturnType<typeof podOf>) =>
  Object.fromEntries(pod.containers[0].env.map(({ name, value }) => [name, value]));

describe("buildJob", () => {
  it("copies the inputs image, then starts the builder with its rights in plain surroundings", () => {
    const pod = podOf();
    expect(pod.initContainers).toHaveLength(1);
    expect(pod.initContainers?.[0]).toMatchObject({
      name: "inputs",
      image: demoBuildPod().inputsImage,
      command: ["/bin/busybox", "cp", "-r", "/inputs/.", "/in/"],
      volumeMounts: [{ name: "in", mountPath: "/in" }],
    });
    expect(pod.containers).toHaveLength(1);
    expect(pod.containers[0]).toMatchObject({
      name: "build",
      image: demoJobContext().settings.images.builder,
      command: [
        ...["/bin/sh", "/imgrel/builders/host/pod.sh", "0022", "0", "all"],
        ...["/imgrel/bin/node", "/imgrel/builders/main.ts", "build", "--termination-log", "/dev/termination-log"],
      ],
      resources: demoJobContext().settings.resources,
      volumeMounts: [
        { name: "in", mountPath: "/in", readOnly: true },
        { name: "work", mountPath: "/w" },
        { name: "run", mountPath: "/w/out", subPath: "out" },
        { name: "run", mountPath: "/w/logs", subPath: "logs" },
      ],
    });
    expect(pod.securityContext).toMatchObject({ runAsUser: 0, runAsGroup: 0, runAsNonRoot: false });
    expect(envOf(pod)).toMatchObject({
      ...{ TZ: "UTC", LC_ALL: "C.UTF-8", LANG: "C.UTF-8", HOME: "/w", TMPDIR: "/w/tmp" },
      ...{ IMGREL_CLOCK_OFFSET_DAYS: "0", IMGREL_REQUEST_DIGEST: digestOf("request") },
    });
    expect(pod.hostname).toBe("builder");
  });
  it("has its own volume as the only way out, and empty folders of the class's size", () => {
    const context = demoJobContext();
    const { volumes } = podOf({ run: 1 });
    expect(volumes).toEqual([
      { name: "in", emptyDir: { sizeLimit: "20Gi" } },
      { name: "work", emptyDir: { sizeLimit: "20Gi" } },
      { name: "run", persistentVolumeClaim: { claimName: claimName(context.identity, "amd64", 1) } },
    ]);
    expect(podOf({ run: 1, resources: {} }).volumes[1]).toEqual({ name: "work", emptyDir: {} });
  });
  it("varies run 2 in every way that run 2 on one machine is varied", () => {
    const limits = { memory: mebibytes(MEMORY_FOR_TMPFS) };
    const second = podOf({ run: 2, resources: { limits } });
    expect(second.containers[0].command?.slice(2, 5)).toEqual(["0077", "65532", "0"]);
    expect(second.hostname).toBe("other-machine-2");
    expect(envOf(second)).toMatchObject({
      TZ: "Pacific/Kiritimati",
      LC_ALL: "C",
      IMGREL_CLOCK_OFFSET_DAYS: "397",
      EDITOR: "vi",
    });
    expect(second.volumes[1]).toEqual({ name: "work", emptyDir: { medium: "Memory" } });
    const varied = variedAspects(PLAIN, podVariation(2, { limits })).filter(({ values }) => values === null);
    expect(varied.map(({ aspect }) => aspect)).toEqual(["machine"]);
  });
  it("works on the disk where the memory limit has no room for a run, or is not known", () => {
    expect(podVariation(2, { limits: { memory: "4Gi" } }).workFileSystem).toBe("disk");
    expect(podVariation(2, {}).workFileSystem).toBe("disk");
  });
  it("has no network if the class names a RuntimeClass, and tells the builder if it does not", () => {
    const cut = podOf({}, { runtimeClassName: "nonet" });
    expect(cut.runtimeClassName).toBe("nonet");
    expect(envOf(cut)).not.toHaveProperty("IMGREL_NETWORK");
    const open = podOf();
    expect(open).not.toHaveProperty("runtimeClassName");
    expect(envOf(open)["IMGREL_NETWORK"]).toBe("policy");
    expect(open.dnsPolicy).toBe("Default");
  });
  it("spreads the runs of an arch over nodes where it can", () => {
    const pod = podOf({ usedNodes: ["n1"] });
    expect(pod.topologySpreadConstraints).toEqual([
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: {
          matchLabels: {
            "releases.powernode.io/release": "noble-1",
            "releases.powernode.io/arch": "amd64",
            "releases.powernode.io/step": "build",
          },
        },
      },
    ]);
    expect(pod).not.toHaveProperty("affinity");
  });
  it("waits for a node of its own where the class requires one", () => {
    const pod = podOf({ runs: 3, usedNodes: ["n1", "n2"] }, { spread: "Require" });
    expect(pod.topologySpreadConstraints?.[0]).toMatchObject({ whenUnsatisfiable: "DoNotSchedule", minDomains: 3 });
    expect(pod.affinity?.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms).toEqual([
      {
        matchFields: [
          { key: "metadata.name", operator: "NotIn", values: ["n1"] },
          { key: "metadata.name", operator: "NotIn", values: ["n2"] },
        ],
      },
    ]);
    expect(podOf({}, { spread: "Require" })).not.toHaveProperty("affinity");
  });
  it("makes one run wrong for a test, and no other", () => {
    const perturbation = { step: "erofs", run: 2 } as const;
    expect(envOf(podOf({ run: 2, perturbation }))).toMatchObject({ IMGREL_TEST_PERTURB: "erofs", IMGREL_TEST: "1" });
    expect(envOf(podOf({ run: 1, perturbation }))).not.toHaveProperty("IMGREL_TEST_PERTURB");
    expect(envOf(podOf({ run: 2 }))).not.toHaveProperty("IMGREL_TEST");
  });
});
