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

/** Fields that apt needs for nothing here, or that are the lock's to say. */
const LEFT_OUT =
  /^(Description|Homepage|Tag|Build-Ids|Built-Using|Static-Built-Using|Filename|Size):.*\n?(?:[ \t].*\n?)*/gm;

/**
 * The Packages index of a lock, in its order, from what apt-ftparchive says of the pool; hashes and sizes are the lock's.
 * @throws BuildError OutputInvalid, naming a package that is not in the listing
 */
export function packagesIndex(lock: Lock, listing: string): string {
  const stanzas = new Map(
    listing.split(/\n\n+/).map((stanza) => [/^Filename: pool\/(.+)$/m.exec(stanza)?.[1] ?? "", stanza]),
  );
  const entries = lock.packages.map((locked) => {
    const name = fileName(locked);
    const control = stanzas.get(name)?.replaceAll(LEFT_OUT, "").trimEnd();
    if (control !== undefined) {
      return `${control}\nFilename: ./pool/${name}\nSize: ${locked.size}\nSHA256: ${locked.sha256}\n`;
    }
    throw new BuildError({
      code: "OutputInvalid",
      step: "inputs",
      message: `${locked.name} ${locked.version} has the hash of the lock, but is no Debian package`,
      remedy: "make the lock anew with imgrel lock; if it happens again, the archive's file is broken",
    });
  });
  return entries.join("\n");
}

/** What the packages of a pool say of themselves. One program reads them all: one for each would take far longer. */
async function listPool(context: StepContext, folder: string): Promise<string> {
  const noHashes = ["MD5", "SHA1", "SHA256", "SHA512"].flatMap((name) => ["-o", `APT::FTPArchive::${name}=false`]);
  const args = [...noHashes, "packages", "pool"];
  return (await runTool(context, { step: "inputs", program: "apt-ftparchive", args, cwd: folder })).stdout;
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
  let done = 0;
  const total = lock.packages.length;
  await sideBySide(lock.packages, 3, context.signal, async (locked) => {
    const blob = join(context.blobs, locked.sha256.slice(0, 2), locked.sha256);
    await checkBlob(context, locked, blob);
    await symlink(blob, join(folder, "pool", fileName(locked)));
    done += 1;
    context.report({ event: "action", step: "inputs", text: locked.name, done, total, unit: "items" });
  });
  const index = packagesIndex(lock, await listPool(context, folder));
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
