import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { DiskImageReleaseClass } from "../class.ts";
import type { ReleaseError } from "../errors.ts";
import { jobSettings } from "./job-settings.ts";

const classOf = (file: string) =>
  DiskImageReleaseClass.parse(
    parse(readFileSync(new URL(`../../../test/contracts/documents/${file}`, import.meta.url), "utf8")),
  ).spec;

describe("jobSettings", () => {
  it("takes all that a class says of Jobs", () => {
    const { build } = classOf("class-full.yaml");
    expect(jobSettings(classOf("class-full.yaml"), "registry.example/imgrel@sha256:00")).toEqual({
      namespace: "imgrel-build",
      serviceAccountName: "imgrel-builder",
      images: { builder: build.builderImage, boot: build.bootImage, controller: "registry.example/imgrel@sha256:00" },
      scratch: { storageClassName: "fast", size: "20Gi" },
      runtimeClassName: "gvisor",
      resources: build.resources,
      maxResources: { cpu: "4", memory: "8Gi" },
      deadlineSeconds: 5400,
      retryBudgetSeconds: 86_400,
      nodeSelector: { "kubernetes.io/arch": "amd64", builder: "yes" },
      spread: "Require",
      emulation: "Allow",
    });
  });
  it("refuses a class of the local process", () => {
    const full = classOf("class-full.yaml");
    for (const field of ["namespace", "serviceAccountName", "builderImage", "bootImage", "scratch"] as const) {
      const { [field]: _left, ...build } = full.build;
      const wanted = expect.objectContaining({ code: "SpecInvalid" }) as ReleaseError;
      expect(() => jobSettings({ ...full, build }, "x"), field).toThrow(wanted);
    }
  });
  it("adds nothing where the class says nothing", () => {
    const {
      runtimeClassName: _class,
      resources: _resources,
      maxResources: _most,
      nodeSelector: _nodes,
      ...build
    } = classOf("class-full.yaml").build;
    const settings = jobSettings({ ...classOf("class-full.yaml"), build }, "x");
    expect(settings).toMatchObject({ resources: {}, maxResources: {}, nodeSelector: {} });
    expect(settings).not.toHaveProperty("runtimeClassName");
  });
});
