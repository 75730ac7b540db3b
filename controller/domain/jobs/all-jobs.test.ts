import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { CAPABILITIES } from "../../../builders/contract/inside.ts";
import { ARCHES } from "../../../builders/contract/variant.ts";
import {
  demoBootPod,
  demoBuildPod,
  demoFetchPod,
  demoJobContext,
  demoPublishPod,
} from "../../../test/fakes/job-context.ts";
import { bootJob } from "./boot-job.ts";
import { buildJob } from "./build-job.ts";
import { fetchJob } from "./fetch-job.ts";
import type { JobSettings } from "./job-settings.ts";
import type { JobManifest } from "./kubernetes-objects.ts";
import { LABEL } from "./object-labels.ts";
import { publishJob } from "./publish-job.ts";

const first = { attempt: 1, deadlineSeconds: 7200 };

const settings: fc.Arbitrary<Partial<JobSettings>> = fc.record(
  {
    runtimeClassName: fc.constantFrom("nonet", "gvisor"),
    resources: fc.constantFrom({}, { limits: { memory: "8Gi" } }, { requests: { cpu: "1" }, limits: { cpu: "2" } }),
    nodeSelector: fc.constantFrom({}, { "kubernetes.io/arch": "amd64" }, { builder: "yes" }),
    spread: fc.constantFrom("Prefer", "Require"),
    emulation: fc.constantFrom("Forbid", "Allow"),
  },
  { requiredKeys: [] },
);

/** Any Job that imgrel makes. */
const jobs: fc.Arbitrary<JobManifest> = fc
  .record({
    settings,
    run: fc.integer({ min: 1, max: 5 }),
    arch: fc.constantFrom(...ARCHES),
    nodes: fc.array(fc.constantFrom("n1", "n2")),
  })
  .chain(({ settings: over, run, arch, nodes }) => {
    const context = demoJobContext(over);
    const { request } = demoBootPod();
    return fc.constantFrom(
      buildJob(context, demoBuildPod({ arch, run, usedNodes: nodes, resources: context.settings.resources }), first),
      publishJob(context, demoPublishPod({ arch, run }), first),
      fetchJob(context, demoFetchPod(arch), first),
      bootJob(context, demoBootPod({ request: { ...request, arch } }), first),
    );
  });

const containersOf = ({ spec: { template } }: JobManifest) => [
  ...(template.spec.initContainers ?? []),
  ...template.spec.containers,
];

describe("every Job", () => {
  it("has no token, host path, privilege or foreign Secret, and at most the eight capabilities", () => {
    fc.assert(
      fc.property(jobs, (job) => {
        const { spec } = job.spec.template;
        expect(spec.automountServiceAccountToken).toBe(false);
        expect(spec.enableServiceLinks).toBe(false);
        expect(spec).toMatchObject({ serviceAccountName: "imgrel-builder", terminationGracePeriodSeconds: 10 });
        expect(spec.securityContext.seccompProfile).toEqual({ type: "RuntimeDefault" });
        const text = JSON.stringify(job);
        expect(text).not.toMatch(/hostPath|hostNetwork|hostPID|hostIPC|projected|serviceAccountToken|cosign\.key/);
        for (const volume of spec.volumes) {
          const kinds = Object.keys(volume).filter((key) => key !== "name");
          expect(["emptyDir", "persistentVolumeClaim", "secret"]).toEqual(expect.arrayContaining(kinds));
          if ("secret" in volume) {
            expect(["fetch imgrel-inputs", "publish imgrel-staging"]).toContain(
              `${job.metadata.labels[LABEL.step]} ${volume.secret.secretName}`,
            );
          }
        }
        for (const { securityContext: rights, name, terminationMessagePolicy } of containersOf(job)) {
          expect(terminationMessagePolicy).toBe("FallbackToLogsOnError");
          expect(rights).toMatchObject({
            privileged: false,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
          });
          expect(rights.capabilities.drop).toEqual(["ALL"]);
          const added = rights.capabilities.add ?? [];
          if (name === "build") expect(added.toSorted()).toEqual(Object.keys(CAPABILITIES).toSorted());
          else expect(added).toEqual([]);
        }
        const root = spec.securityContext.runAsUser === 0;
        expect(root).toBe(job.metadata.labels[LABEL.step] === "build");
        if (!root)
          expect(spec.securityContext).toMatchObject({ runAsUser: 65532, runAsGroup: 65532, runAsNonRoot: true });
      }),
    );
  });
  it("runs images by digest only", () => {
    fc.assert(
      fc.property(jobs, (job) => {
        for (const { image } of containersOf(job)) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
      }),
    );
  });
  it("is tried once, but for disruptions, and is gone a day after its end", () => {
    fc.assert(
      fc.property(jobs, (job) => {
        const { template, ...rest } = job.spec;
        expect(rest).toEqual({
          backoffLimit: 0,
          activeDeadlineSeconds: 7200,
          ttlSecondsAfterFinished: 86_400,
          podReplacementPolicy: "Failed",
          podFailurePolicy: {
            rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
          },
        });
        expect(template.spec.restartPolicy).toBe("Never");
        expect(template.metadata.labels).toEqual(job.metadata.labels);
        expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job", metadata: { namespace: "imgrel-build" } });
      }),
    );
  });
  it("runs on nodes of its architecture, whatever the class's selector says, unless emulation is allowed", () => {
    const selector = (over: Partial<JobSettings>) =>
      publishJob(demoJobContext(over), demoPublishPod({ arch: "arm64" }), first).spec.template.spec.nodeSelector;
    expect(selector({ nodeSelector: { "kubernetes.io/arch": "amd64", builder: "yes" } })).toEqual({
      "kubernetes.io/arch": "arm64",
      builder: "yes",
    });
    expect(selector({ emulation: "Allow" })).toEqual({});
  });
  it("tells by a label what is asked, and only that", () => {
    const requestOf = (job: JobManifest) => job.metadata.labels[LABEL.request];
    const context = demoJobContext();
    const pod = demoBuildPod();
    const asked = requestOf(buildJob(context, pod, first));
    const more = { ...pod, resources: { limits: { memory: "6Gi" } }, usedNodes: ["n1"] };
    expect(requestOf(buildJob({ ...context, fencing: 8 }, more, { attempt: 2, deadlineSeconds: 9 }))).toBe(asked);
    const others = [
      buildJob(context, { ...pod, run: 2 }, first),
      buildJob(context, { ...pod, arch: "arm64" }, first),
      buildJob(context, { ...pod, request: digestOf("other") }, first),
      buildJob(context, { ...pod, inputsImage: `other@${digestOf("x")}` }, first),
      buildJob(context, { ...pod, perturbation: { step: "erofs", run: 1 } }, first),
      buildJob(demoJobContext({ images: { ...context.settings.images, builder: `b@${digestOf("b")}` } }), pod, first),
      publishJob(context, demoPublishPod(), first),
    ].map(requestOf);
    expect(new Set([asked, ...others]).size).toBe(others.length + 1);
  });
});
