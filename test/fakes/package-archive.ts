import { createHash } from "node:crypto";
import { type LockedPackage, packageKey } from "../../builders/contract/lock.ts";
import { digestOf } from "../../builders/contract/digest.ts";
import type { ResolveRequest } from "../../builders/contract/package-request.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import type { PackageArchive } from "../../controller/ports/package-archive.ts";
import type { PackageStore } from "../../controller/ports/package-store.ts";

/** What an archive's index says, and which of its files are there. */
export type ArchiveState = {
  /** date of the index, `YYYYMMDDTHHMMSSZ` */
  readonly date: string;
  /** versions by package name; another content of a version is another hash: `1.0#two` */
  readonly index: Readonly<Record<string, string>>;
};

const packageOf = (name: string, given: string, request: ResolveRequest): LockedPackage => {
  const [version = ""] = given.split("#");
  return {
    name,
    version,
    arch: request.arch,
    size: 1,
    sha256: createHash("sha256").update(`${name} ${given} ${request.arch}`).digest("hex"),
    path: `pool/main/${name}/${name}_${version}_${request.arch}.deb`,
    role: request.role,
    suite: request.suite,
  };
};

/**
 * An archive in memory that offers each requested package by name alone, and a store that has what a lock once named
 * for as long as the archive's pool does.
 */
export function fakePackageArchive(first: ArchiveState): {
  readonly archive: PackageArchive;
  readonly store: PackageStore;
  /** the archive moves on; what its index no longer names is gone from its pool too */
  readonly moveOn: (state: ArchiveState) => void;
  /** the pool loses a package that the index still names */
  readonly lose: (name: string) => void;
} {
  let state = first;
  const lost = new Set<string>();
  const read = (request: ResolveRequest): ArchiveState => {
    if (request.snapshot !== null && state.date > request.snapshot) {
      throw new ReleaseError(
        "ArchiveUnavailable",
        `no source serves it: http://localhost/ is of ${state.date}`,
        "wait",
      );
    }
    return state;
  };
  const archive: PackageArchive = {
    resolve: async (request) => {
      const { index, date } = read(request);
      const missing = request.packages.filter((name) => index[name] === undefined);
      if (missing.length > 0) {
        throw new ReleaseError("NotFound", `${request.archive} does not have: ${missing.join(", ")}`, "correct it");
      }
      const names = [...request.packages, ...request.rolling.map(({ name }) => name)];
      return {
        suites: [
          {
            archive: request.archive,
            suite: request.suite,
            components: [...request.components],
            snapshot: request.snapshot,
            inRelease: digestOf(date),
            date,
            keyring: "test.gpg",
            rolling: false,
          },
        ],
        packages: names
          .map((name) => packageOf(name, index[name] ?? "1", request))
          .toSorted((a, b) => (packageKey(a) < packageKey(b) ? -1 : 1)),
      };
    },
    kernels: async (request) =>
      Object.entries(read(request).index)
        .filter(([name]) => name.startsWith("linux-image-"))
        .map(([name, version]) => ({ name, version })),
    locate: async () => ({ bases: new Map(), proxies: {} }),
  };
  const store: PackageStore = {
    fetch: async (lock) =>
      lock.packages.filter(({ name, sha256, arch, role, suite }) => {
        const request = { arch, role, suite } as ResolveRequest;
        return lost.has(name) || packageOf(name, state.index[name] ?? "", request).sha256 !== sha256;
      }),
    pathOf: (sha256) => `/cache/${sha256}`,
  };
  return {
    archive,
    store,
    moveOn: (next) => {
      state = next;
      lost.clear();
    },
    lose: (name) => lost.add(name),
  };
}
