import { mkdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import { sha256Hex } from "../contract/digest.ts";
import type { Lock, LockedPackage } from "../contract/lock.ts";
import { sha256File } from "../host/files.ts";
import { sideBySide } from "../host/side-by-side.ts";
import { runTool, type StepContext } from "./tool.ts";

/** Package name in the offline repository's pool: without the version's epoch, as dpkg-name writes it. */
const fileName = (locked: LockedPackage): string =>
  `${locked.name}_${locked.version.replace(/^[0-9]+:/, "")}_${locked.arch}.deb`;

async function checkBlob(context: StepContext, locked: LockedPackage, path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) {
    throw new BuildError({
      code: "InputMissing",
      step: "inputs",
      message: `${locked.name} ${locked.version} (sha256 ${locked.sha256}) is not among the inputs`,
      remedy: "run imgrel fetch for this release first",
    });
  }
  const actual = await sha256File(path);
  if (size === locked.size && actual === locked.sha256) return;
  throw new BuildError({
    code: "InputDigestMismatch",
    step: "inputs",
    message: `${locked.name} ${locked.version}: locked sha256 ${locked.sha256} (${locked.size} bytes), found ${actual} (${size} bytes)`,
    remedy: "remove the file from the cache and run imgrel fetch again",
  });
}

/** The package's control stanza, as an entry of a Packages index; hash and size are the lock's. */
async function stanza(context: StepContext, locked: LockedPackage, path: string): Promise<string> {
  const { stdout } = await runTool(context, { step: "inputs", program: "dpkg-deb", args: ["--field", path] });
  const control = stdout
    .trimEnd()
    .replaceAll(/^(Description|Homepage|Tag|Build-Ids|Built-Using|Static-Built-Using):.*\n?(?:[ \t].*\n?)*/gm, "")
    .trimEnd();
  return `${control}\nFilename: ./pool/${fileName(locked)}\nSize: ${locked.size}\nSHA256: ${locked.sha256}\n`;
}

/**
 * Hashes every input against the lock and lays out an offline package repository of exactly these packages below
 * `<work>/repository`; apt verifies the same hashes once more while it installs. Returns the folder.
 * @throws BuildError InputMissing or InputDigestMismatch, naming the package and both hashes
 */
export async function layOutRepository(context: StepContext, lock: Lock): Promise<string> {
  const folder = join(context.work, "repository");
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "pool"), { recursive: true });
  const stanzas = new Map<LockedPackage, string>();
  await sideBySide(lock.packages, 3, context.signal, async (locked) => {
    const blob = join(context.blobs, locked.sha256.slice(0, 2), locked.sha256);
    await checkBlob(context, locked, blob);
    const path = join(folder, "pool", fileName(locked));
    await symlink(blob, path);
    stanzas.set(locked, await stanza(context, locked, path));
    context.report({
      event: "action",
      step: "inputs",
      text: locked.name,
      done: stanzas.size,
      total: lock.packages.length,
      unit: "items",
    });
  });
  const index = lock.packages.map((locked) => stanzas.get(locked) ?? "").join("\n");
  await writeFile(join(folder, "Packages"), index);
  const [suite] = lock.suites;
  // apt matches mmdebstrap's `?archive(^suite$)` against this file: without it no essential package is found
  await writeFile(
    join(folder, "Release"),
    [
      "Origin: imgrel",
      "Label: lock",
      `Suite: ${suite?.suite}`,
      `Codename: ${suite?.suite}`,
      `Date: ${new Date(context.epoch * 1000).toUTCString().replace("GMT", "UTC")}`,
      `Architectures: ${lock.arch}`,
      "SHA256:",
      ` ${sha256Hex(index)} ${Buffer.byteLength(index)} Packages`,
      "",
    ].join("\n"),
  );
  return folder;
}
