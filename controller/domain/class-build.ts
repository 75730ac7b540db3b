import { z } from "zod";
import { PINNED_IMAGE } from "./addresses.ts";
import { duration, labels, quantity } from "./cluster-fields.ts";
import { crossRule, text } from "./fields.ts";
import { LABEL_NAME, OBJECT_NAME } from "./names.ts";

const DIGEST_EXAMPLE = `sha256:${"0123456789abcdef".repeat(4)}`;

const Resources = z
  .strictObject({
    cpu: quantity("CPU cores.", "2").exactOptional(),
    memory: quantity("Memory.", "4Gi").exactOptional(),
    "ephemeral-storage": quantity("Disk space of the pod.", "20Gi").exactOptional(),
  })
  .meta({ examples: [{ cpu: "2", memory: "4Gi" }] });

/** Without these no run can be started in a cluster. */
export const CLUSTER_FIELDS = ["namespace", "serviceAccountName", "builderImage", "bootImage", "scratch"] as const;

/** How a class starts runs. A cluster needs the first five fields; the local process needs none. */
export const Build = z
  .strictObject({
    namespace: text(LABEL_NAME, "Namespace of build Jobs, never the controller's.", "imgrel-build").exactOptional(),
    serviceAccountName: text(OBJECT_NAME, "Service account of build Jobs.", "imgrel-builder").exactOptional(),
    builderImage: text(
      PINNED_IMAGE,
      "Image of build Jobs.",
      `registry.example/imgrel/builder@${DIGEST_EXAMPLE}`,
    ).exactOptional(),
    bootImage: text(
      PINNED_IMAGE,
      "Image of boot Jobs.",
      `registry.example/imgrel/boot@${DIGEST_EXAMPLE}`,
    ).exactOptional(),
    scratch: z
      .strictObject({
        storageClassName: text(
          OBJECT_NAME,
          "Storage class; left out: the cluster's default.",
          "local-path",
        ).exactOptional(),
        size: quantity("Size of the volume of one run.", "20Gi"),
      })
      .meta({ description: "Volume of one run.", examples: [{ size: "20Gi" }] })
      .exactOptional(),
    runtimeClassName: text(OBJECT_NAME, "RuntimeClass of build Jobs.", "gvisor").exactOptional(),
    resources: z
      .strictObject({
        requests: Resources.meta({ description: "What a node must have free for it." }).exactOptional(),
        limits: Resources.meta({ description: "What it may use at most." }).exactOptional(),
      })
      .meta({ description: "Resources of a build Job's first attempt.", examples: [{ requests: { cpu: "2" } }] })
      .exactOptional(),
    maxResources: Resources.meta({ description: "Most that a later attempt may get." }).exactOptional(),
    deadline: duration("Longest time of one run.", "2h").default("2h"),
    nodeSelector: labels("Labels of the nodes that build.", { "node-role.example/builder": "yes" }).exactOptional(),
    emulation: z
      .enum(["Forbid", "Allow"])
      .default("Forbid")
      .meta({ description: "Whether an architecture may be built on another by emulation.", examples: ["Forbid"] }),
  })
  .check(
    crossRule(z.record(z.string(), z.unknown()), (build, complain) => {
      const missing = CLUSTER_FIELDS.filter((field) => build[field] === undefined);
      if (missing.length === 0 || missing.length === CLUSTER_FIELDS.length) return;
      complain([], {
        message: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
        remedy: `a cluster needs all of ${CLUSTER_FIELDS.join(", ")}; the local process needs none of them`,
      });
    }),
  )
  .prefault({})
  .meta({ description: "How runs are started.", examples: [{ deadline: "2h" }] });
