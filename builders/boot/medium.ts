import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BootRequest } from "../contract/boot.ts";
import { BuildError } from "../contract/build-failure.ts";
import type { Medium } from "../contract/machine.ts";
import { DISK_FILES, diskFormat } from "../contract/variant.ts";
import { exec, PLAIN_ENV } from "../host/exec.ts";

const MIB = 1024 * 1024;

/** A tool of the toolchain, or a clear error. */
async function qemuImg(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const outcome = await exec({ program: "qemu-img", args, env });
  if (outcome.exitCode === 0) return outcome.stdout;
  throw new BuildError({
    code: "StepFailed",
    step: "boot",
    message: `qemu-img ${args[0]} failed with code ${outcome.exitCode}`,
    remedy: "read the lines below",
    logTail: outcome.tail,
  });
}

/**
 * A disk in `<work>/disk.qcow2` that shows the artifact's and takes all writes: the artifact is only read. With
 * `extraMiB` it is larger, as is a disk that an image was written to.
 */
async function overlay(file: string, format: "raw" | "qcow2", extraMiB: number, work: string): Promise<string> {
  const path = join(work, "disk.qcow2");
  const info: unknown = JSON.parse(await qemuImg(["info", "--output=json", "-f", format, file], PLAIN_ENV));
  const size = typeof info === "object" && info !== null && "virtual-size" in info ? Number(info["virtual-size"]) : 0;
  const total = String(size + extraMiB * MIB);
  await qemuImg(["create", "-q", "-f", "qcow2", "-b", file, "-F", format, path, total], PLAIN_ENV);
  return path;
}

/**
 * What the machine boots, from an artifact's folder.
 * @throws BuildError InvalidRequest if the variant is no disk although the request has one, StepFailed of qemu-img
 */
export async function bootMedium(request: BootRequest, artifact: string, work: string): Promise<Medium> {
  if (request.disk === null) {
    return {
      kind: "kernel",
      kernel: join(artifact, "kernel"),
      initramfs: join(artifact, "initramfs.cpio.zst"),
      commandLine: (await readFile(join(artifact, "cmdline"), "utf8")).trim(),
    };
  }
  const name = DISK_FILES[request.variant];
  if (name === undefined) {
    const message = `${request.variant} is no disk, but the request has one`;
    const remedy = "controller and builder must be of one version";
    throw new BuildError({ code: "InvalidRequest", step: "boot", message, remedy });
  }
  const { firmware, bus, extraMiB } = request.disk;
  const file = await overlay(join(artifact, name), diskFormat(name), extraMiB, work);
  return { kind: "disk", file, format: "qcow2", firmware, bus };
}
