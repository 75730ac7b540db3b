import type { ClassSpec } from "../class.ts";
import { ReleaseError } from "../errors.ts";
import { secondsOf } from "../duration.ts";
import type { Amounts, Resources } from "./kubernetes-objects.ts";

/** What a class and the deployment say about Jobs: the class's fields that a cluster needs, all present. */
export type JobSettings = {
  readonly namespace: string;
  readonly serviceAccountName: string;
  /** images by digest; `controller` is imgrel's own, which fetches and publishes */
  readonly images: { readonly builder: string; readonly boot: string; readonly controller: string };
  readonly scratch: { readonly storageClassName?: string; readonly size: string };
  /** RuntimeClass without network, of build and boot pods */
  readonly runtimeClassName?: string;
  /** of a build's first attempt */
  readonly resources: Resources;
  /** most that a later attempt may get */
  readonly maxResources: Amounts;
  readonly deadlineSeconds: number;
  /** how long attempts that were taken away are repeated */
  readonly retryBudgetSeconds: number;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly spread: "Prefer" | "Require";
  /** whether an architecture may be built on another */
  readonly emulation: "Forbid" | "Allow";
};

/**
 * The settings of a class for Jobs.
 * @param controllerImage imgrel's own image by digest, from the deployment
 * @throws ReleaseError SpecInvalid if the class is one for the local process
 */
export function jobSettings({ build, gate, retryBudget }: ClassSpec, controllerImage: string): JobSettings {
  const { namespace, serviceAccountName, builderImage, bootImage, scratch } = build;
  if (
    namespace === undefined ||
    serviceAccountName === undefined ||
    builderImage === undefined ||
    bootImage === undefined ||
    scratch === undefined
  ) {
    throw new ReleaseError(
      "SpecInvalid",
      "the class says nothing about Jobs, so it is one for the local process",
      "set namespace, serviceAccountName, builderImage, bootImage and scratch in its spec.build",
    );
  }
  return {
    ...{ namespace, serviceAccountName, scratch },
    images: { builder: builderImage, boot: bootImage, controller: controllerImage },
    ...(build.runtimeClassName === undefined ? {} : { runtimeClassName: build.runtimeClassName }),
    resources: build.resources ?? {},
    maxResources: build.maxResources ?? {},
    deadlineSeconds: secondsOf(build.deadline),
    retryBudgetSeconds: secondsOf(retryBudget),
    nodeSelector: build.nodeSelector ?? {},
    spread: gate.spread,
    emulation: build.emulation,
  };
}
