import type { ResolveRequest } from "../../builders/contract/package-request.ts";
import type { ArchiveSource } from "../../controller/domain/class.ts";
import type { FakePackage, Suite } from "./deb-archive.ts";
import { makeSigningKey } from "./openpgp.ts";

/** What the archive of these tests is signed with; its keyring is `test.gpg`. */
export const key = makeSigningKey("Archive of tests");
export const otherKey = makeSigningKey("Somebody else");

/** Date of the index, in seconds since 1970: a day ago, since apt refuses an index of the future. */
export const DATE = Math.floor(Date.now() / 1000) - 86_400;
/** Seconds since 1970 as a snapshot timestamp. */
export const stamp = (seconds: number): string => new Date(seconds * 1000).toISOString().replaceAll(/[-:]|\.000/g, "");

export const base: FakePackage = {
  name: "base",
  version: "1:13.8+deb13u8",
  arch: "amd64",
  fields: { Essential: "yes" },
};
export const libc: FakePackage = { name: "libc", version: "2.41-12", arch: "amd64" };
export const kernel: FakePackage = {
  name: "linux-image-6.12.1-amd64",
  version: "6.12.1-1",
  arch: "amd64",
  fields: { Depends: "libc" },
};
export const dracut: FakePackage = {
  name: "dracut",
  version: "106-6",
  fields: { Depends: "libc (>= 2)", Recommends: "unwanted" },
};
const unwanted: FakePackage = { name: "unwanted", version: "1" };
/** Packages of the suite `stable`. */
export const STABLE = [base, libc, kernel, dracut, unwanted];

/** A request that the suite fulfils with four packages. */
export const request: ResolveRequest = {
  archive: "test",
  suite: "stable",
  components: ["main"],
  snapshot: null,
  arch: "amd64",
  packages: ["dracut", "linux-image-6.12.1-amd64"],
  rolling: [],
  role: "target",
};

/** The suite `stable`, as it is published unless a test wants it otherwise. */
export const stableSuite = (more: Partial<Suite> = {}): Suite => ({
  suite: "stable",
  packages: STABLE,
  key,
  date: DATE,
  ...more,
});

export const mirror = (url: URL): ArchiveSource => ({ kind: "mirror", url: url.href });
