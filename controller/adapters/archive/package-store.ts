import type { Report } from "../../../builders/contract/progress.ts";
import { blobPath } from "../../../builders/host/cache.ts";
import { fetchPackages } from "../../../builders/host/fetch.ts";
import type { PackageArchive } from "../../ports/package-archive.ts";
import type { PackageStore } from "../../ports/package-store.ts";

export type PackageStoreOptions = {
  /** says where packages may be */
  readonly archive: PackageArchive;
  /** cacheRoot of builders/host/cache.ts */
  readonly cache: string;
  readonly report: Report;
};

/** The content-addressed cache of this machine, filled over the network. */
export const createPackageStore = ({ archive, cache, report }: PackageStoreOptions): PackageStore => ({
  fetch: async (lock, signal) => {
    const locate = () => archive.locate(lock, signal);
    const outcome = await fetchPackages({ packages: lock.packages, locate, cache, report, signal });
    return outcome.kind === "gone" ? outcome.packages : [];
  },
  pathOf: (sha256) => blobPath(cache, sha256),
});
