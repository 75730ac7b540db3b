import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hashFile } from "../../builders/host/hash-file.ts";
import { erofsAttributes } from "../../builders/readers/erofs-attributes.ts";
import { readErofs } from "../../builders/readers/erofs-superblock.ts";
import { walkErofs } from "../../builders/readers/erofs-walk.ts";
import { openFile } from "../../builders/readers/random-access.ts";
import { COMPOSEFS_OPTIONS } from "../../builders/steps/composefs.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// The image that a root becomes, by the real mkcomposefs with the step's own options.
let root = "";
let work = "";
const OPTIONS = COMPOSEFS_OPTIONS.join(" ");

/** The same tree twice: the second made in another order, with other times. */
const TREES = `
tree() {
	mkdir -p $1/etc $1/usr/bin
	for name in $2; do seq 1 20000 | sed "s/$/ $name/" >$1/usr/bin/$name; chmod 4755 $1/usr/bin/$name; done
	cp $1/usr/bin/first $1/usr/bin/equal; chown 33:44 $1/usr/bin/equal
	printf small >$1/etc/small; ln -s ../usr/bin/first $1/etc/link; : >$1/empty
}
tree one "first second third"
tree two "third second first"
find two -exec touch -h -d "1000 days" {} +
`;

beforeAll(async () => {
  root = await toolchainRoot();
  work = await mkdtemp(join(tmpdir(), "imgrel-composefs-"));
  const pack = (name: string) => `mkcomposefs ${OPTIONS} ${name} ${name}.cfs`;
  await runTools(root, work, [TREES, pack("one"), pack("two")].join("\n"));
});
afterAll(() => rm(work, { recursive: true, force: true }));

test("neither times nor the order of making reach it", async () => {
  expect(await readFile(join(work, "two.cfs"))).toEqual(await readFile(join(work, "one.cfs")));
});

test("no file is copied", async () => {
  expect((await readdir(work)).toSorted()).toEqual(["one", "one.cfs", "two", "two.cfs"]);
});

test("its fs-verity digest is the composefs digest, by both tools", async () => {
  const { digest } = (await hashFile(join(work, "one.cfs"))).fsverity;
  const printed = await runTools(
    root,
    work,
    `mkcomposefs ${OPTIONS} --print-digest-only two; composefs-info measure-file one.cfs`,
  );
  expect(
    printed
      .trimEnd()
      .split("\n")
      .map((line) => `sha256:${line}`),
  ).toEqual([digest, digest]);
});

test("the digest that it has of a file is that file's, also where two files share it", async () => {
  await using image = await openFile(join(work, "one.cfs"));
  const erofs = await readErofs(image);
  if (erofs === null) throw new Error("no erofs");
  expect(erofs).toMatchObject({ composefs: true, buildTime: 0 });
  const digests = new Map<string, string>();
  for await (const { path, inode } of walkErofs(image, erofs)) {
    const found = (await erofsAttributes(image, erofs, inode)).find(({ name }) => name === "trusted.overlay.metacopy");
    if (found !== undefined) digests.set(path, `sha256:${found.value.subarray(4).toString("hex")}`);
  }
  const files = ["equal", "first", "second", "third"].map((name) => `/usr/bin/${name}`);
  expect([...digests.keys()].toSorted()).toEqual(files);
  for (const [path, digest] of digests) expect(digest).toBe((await hashFile(join(work, "one", path))).fsverity.digest);
});
