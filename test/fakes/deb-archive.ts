import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "../../builders/host/exec.ts";
import { type FileServer, sendFile, startFileServer } from "./file-server.ts";
import type { SigningKey } from "./openpgp.ts";

/** A package to make; `fields` are further control fields. */
export type FakePackage = {
  readonly name: string;
  readonly version: string;
  readonly arch?: "amd64" | "arm64" | "all";
  readonly fields?: Readonly<Record<string, string>>;
};

export type Suite = {
  readonly suite: string;
  readonly packages: readonly FakePackage[];
  readonly key: SigningKey;
  /** seconds since 1970 */
  readonly date: number;
  readonly validUntil?: number;
};

export type DebArchive = FileServer & {
  /** by path below the server, without a leading slash: tests may change them */
  readonly files: Map<string, Buffer>;
  /** makes the packages and writes a signed index of exactly these; files of earlier indexes stay in the pool */
  readonly publish: (suite: Suite) => Promise<void>;
};

const ARCHES = ["amd64", "arm64"] as const;
const hash = (data: Uint8Array, algorithm = "sha256"): string => createHash(algorithm).update(data).digest("hex");
const archOf = (made: FakePackage): string => made.arch ?? "all";

/** Where a package's file stands, as archives lay it out. */
export const poolPathOf = (made: FakePackage): string =>
  `pool/main/${made.name[0]}/${made.name}/${made.name}_${made.version.replace(/^[0-9]+:/, "")}_${archOf(made)}.deb`;

const controlOf = (made: FakePackage): string =>
  [
    `Package: ${made.name}`,
    `Version: ${made.version}`,
    `Architecture: ${archOf(made)}`,
    "Maintainer: nobody <nobody@example.org>",
    ...Object.entries(made.fields ?? {}).map(([name, value]) => `${name}: ${value}`),
    "Description: made for a test",
    "",
  ].join("\n");

/** Packages made before, by their control file: many tests publish the same ones. */
const built = new Map<string, Promise<Buffer>>();

function buildDeb(made: FakePackage): Promise<Buffer> {
  const control = controlOf(made);
  const deb = built.get(control) ?? makeDeb(control);
  built.set(control, deb);
  return deb;
}

async function makeDeb(control: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "imgrel-deb-"));
  try {
    await mkdir(join(folder, "root/DEBIAN"), { recursive: true });
    await writeFile(join(folder, "root/DEBIAN/control"), control);
    const args = ["--root-owner-group", "-Znone", "--build", join(folder, "root"), join(folder, "out.deb")];
    const outcome = await exec({ program: "dpkg-deb", args });
    if (outcome.exitCode !== 0) throw new Error(`dpkg-deb: ${outcome.tail}`);
    return await readFile(join(folder, "out.deb"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const stanzaOf = (made: FakePackage, deb: Buffer): string =>
  controlOf(made).replace(
    "Description:",
    `Filename: ${poolPathOf(made)}\nSize: ${deb.length}\nSHA256: ${hash(deb)}\nDescription:`,
  );

const releaseOf = ({ suite, date, validUntil }: Suite, indexes: ReadonlyMap<string, Buffer>): string => {
  const time = (seconds: number) => new Date(seconds * 1000).toUTCString().replace("GMT", "UTC");
  return [
    "Origin: Test",
    "Label: Test",
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    `Date: ${time(date)}`,
    ...(validUntil === undefined ? [] : [`Valid-Until: ${time(validUntil)}`]),
    `Architectures: ${ARCHES.join(" ")}`,
    "Components: main",
    "SHA256:",
    ...[...indexes].map(([path, content]) => ` ${hash(content)} ${content.length} ${path}`),
    "",
  ].join("\n");
};

/** A package archive over http on loopback, laid out and signed as Debian's are. */
export async function startDebArchive(): Promise<DebArchive> {
  const files = new Map<string, Buffer>();
  const server = await startFileServer((request, response) => {
    const content = files.get(decodeURIComponent(request.url ?? "").slice(1));
    if (content === undefined) response.writeHead(404).end();
    else sendFile(request, response, content);
  });
  return {
    ...server,
    files,
    publish: async (suite) => {
      const debs = new Map<FakePackage, Buffer>();
      for (const made of suite.packages) {
        const deb = files.get(poolPathOf(made)) ?? (await buildDeb(made));
        debs.set(made, deb);
        files.set(poolPathOf(made), deb);
      }
      const indexes = new Map<string, Buffer>();
      for (const arch of ARCHES) {
        const stanzas = [...debs]
          .filter(([made]) => [arch, "all"].includes(archOf(made)))
          .map(([made, deb]) => stanzaOf(made, deb));
        indexes.set(`main/binary-${arch}/Packages`, Buffer.from(stanzas.join("\n")));
      }
      for (const [path, content] of indexes) files.set(`dists/${suite.suite}/${path}`, content);
      files.set(`dists/${suite.suite}/InRelease`, Buffer.from(suite.key.clearSign(releaseOf(suite, indexes))));
    },
  };
}
