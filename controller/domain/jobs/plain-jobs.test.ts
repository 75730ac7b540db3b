import { describe, expect, it } from "vitest";
import { BootRequest } from "../../../builders/contract/boot.ts";
import { readRequest } from "../../../builders/contract/pod.ts";
import { demoBootPod, demoFetchPod, demoJobContext, demoPublishPod } from "../../../test/fakes/job-context.ts";
import { bootJob } from "./boot-job.ts";
import { fetchJob, type FetchPod, FetchRequest, podArchives } from "./fetch-job.ts";
import type { JobManifest } from "./kubernetes-objects.ts";
import { LABEL } from "./object-labels.ts";
import { claimName, inputsImageTag } from "./object-names.ts";
import { publishJob, PublishRequest } from "./publish-job.ts";
import { runClaim } from "./run-claim.ts";

const context = demoJobContext({ runtimeClassName: "nonet" });
const first = { attempt: 1, deadlineSeconds: 7200 };
const podOf = (job: JobManifest) => job.spec.template.spec;
/** The environment as Kubernetes hands it over: `$$` is one dollar. */
const envOf = (job: JobManifest) =>
  Object.fromEntries(podOf(job).containers[0].env.map(({ name, value }) => [name, value.replaceAll("$$", "$")]));
const inputsTag = inputsImageTag(context.identity, "amd64");
const claim = claimName(context.identity, "amd64", 1);

describe("publishJob", () => {
  const job = publishJob(context, demoPublishPod(), first);
  it("asks for the push of one run", () => {
    const request = PublishRequest.parse(readRequest(envOf(job)));
    expect(request).toMatchObject({ arch: "amd64", repository: "registry.example/powernode/staging", tag: claim });
    expect(podOf(job).containers[0]).toMatchObject({
      image: context.settings.images.controller,
      args: ["pod", "publish", "--termination-log", "/dev/termination-log"],
    });
    expect(podOf(job).containers[0]).not.toHaveProperty("command");
    expect(podOf(job).containers[0].resources).toEqual({
      requests: { cpu: "100m", memory: "256Mi" },
      limits: { memory: "1Gi" },
    });
  });
  it("reads the run's volume and the staging credential, and writes to neither", () => {
    expect(podOf(job).volumes).toEqual([
      { name: "run", persistentVolumeClaim: { claimName: claim, readOnly: true } },
      { name: "work", emptyDir: {} },
      {
        name: "registry",
        secret: {
          secretName: "imgrel-staging",
          defaultMode: 0o444,
          items: [{ key: ".dockerconfigjson", path: "config.json" }],
        },
      },
    ]);
    expect(podOf(job).containers[0].volumeMounts).toEqual([
      { name: "run", mountPath: "/run-output/out", subPath: "out", readOnly: true },
      { name: "run", mountPath: "/run-output/logs", subPath: "logs", readOnly: true },
      { name: "work", mountPath: "/w" },
      { name: "registry", mountPath: "/var/run/imgrel/registry", readOnly: true },
    ]);
    expect(envOf(job)).toMatchObject({ DOCKER_CONFIG: "/var/run/imgrel/registry" });
  });
  it("has a network, which policies give it by its step", () => {
    expect(podOf(job)).toMatchObject({ dnsPolicy: "ClusterFirst" });
    expect(podOf(job)).not.toHaveProperty("runtimeClassName");
    expect(job.spec.template.metadata.labels[LABEL.step]).toBe("publish");
  });
});

describe("fetchJob", () => {
  const request = demoFetchPod("amd64");
  const job = fetchJob(context, request, first);
  it("hands over the whole request, however large, dollars and all", () => {
    const build = { ...request.build, version: "1-$(PATH)-$$", lock: { ...request.build.lock } };
    const packages = Array.from({ length: 2000 }, (_, index) => `${"x".repeat(60)}${index}`);
    const large: FetchPod = {
      ...request,
      build,
      archives: { debian: { sources: [{ kind: "mirror", url: packages.join("/") }], keyring: "k.gpg" } },
    };
    const env = envOf(fetchJob(context, large, first));
    expect(FetchRequest.parse(readRequest(env))).toEqual({ schemaVersion: 1, tag: inputsTag, ...large });
    for (const value of Object.values(env)) expect(Buffer.byteLength(value)).toBeLessThan(128 * 1024);
  });
  it("asks archives that a pod can reach, and refuses a class that knows none", () => {
    const mirror = { kind: "mirror", url: "https://mirror.example/debian" } as const;
    const archive = { sources: [{ kind: "system" } as const, mirror], keyring: "debian.gpg" };
    expect(podArchives({ debian: archive })).toEqual({ debian: { sources: [mirror], keyring: "debian.gpg" } });
    const local = { debian: { ...archive, sources: [{ kind: "system" } as const] } };
    expect(() => podArchives(local)).toThrow(expect.objectContaining({ code: "SpecInvalid" }) as Error);
  });
  it("has the inputs credential and no volume of a run", () => {
    expect(podOf(job).containers[0].args).toEqual(["pod", "fetch", "--termination-log", "/dev/termination-log"]);
    expect(podOf(job).volumes.map((volume) => ("secret" in volume ? volume.secret.secretName : volume.name))).toEqual([
      "work",
      "imgrel-inputs",
    ]);
    expect(job.spec.template.metadata.labels[LABEL.step]).toBe("fetch");
  });
});

describe("bootJob", () => {
  const job = bootJob(context, demoBootPod(), first);
  it("boots what run 1 left, read-only, without network", () => {
    expect(BootRequest.parse(readRequest(envOf(job)))).toEqual(demoBootPod().request);
    expect(podOf(job)).toMatchObject({ runtimeClassName: "nonet", dnsPolicy: "Default" });
    expect(podOf(job).volumes).toEqual([
      { name: "run", persistentVolumeClaim: { claimName: claim, readOnly: true } },
      { name: "work", emptyDir: {} },
    ]);
    expect(podOf(job).containers[0]).toMatchObject({
      image: context.settings.images.boot,
      command: ["/imgrel/bin/node", "/imgrel/builders/main.ts", "boot", "--termination-log", "/dev/termination-log"],
      volumeMounts: [
        { name: "run", mountPath: "/in/artifact", subPath: "out/amd64/raw", readOnly: true },
        { name: "work", mountPath: "/w" },
      ],
    });
  });
  it("has memory for the guest and for QEMU", () => {
    expect(podOf(job).containers[0].resources).toEqual({
      requests: { cpu: "1", memory: "1536Mi" },
      limits: { memory: "3072Mi" },
    });
  });
  it("is the same Job whatever identity was drawn, and another for other bytes", () => {
    const asked = (pod = demoBootPod()) => bootJob(context, pod, first).metadata.labels[LABEL.request];
    const { request } = demoBootPod();
    const drawn = { ...request, identity: "0b5b1c3e-0000-4000-8000-000000000002" };
    expect(asked(demoBootPod({ request: drawn }))).toBe(asked());
    expect(asked(demoBootPod({ artifact: `sha256:${"0".repeat(64)}` }))).not.toBe(asked());
  });
});

describe("runClaim", () => {
  it("asks for the class's scratch, for one node at a time", () => {
    expect(runClaim(context, "amd64", 1)).toMatchObject({
      metadata: { name: claim, namespace: "imgrel-build", labels: { [LABEL.release]: "noble-1", [LABEL.run]: "1" } },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "20Gi" } } },
    });
    expect(runClaim(context, "amd64", 1).spec).not.toHaveProperty("storageClassName");
    const fast = demoJobContext({ scratch: { size: "20Gi", storageClassName: "fast" } });
    expect(runClaim(fast, "amd64", 1).spec.storageClassName).toBe("fast");
  });
});
