import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ensureKubebox, pinnedVersions } from "./kubebox.ts";

const PINNED = "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=";
const { signal } = new AbortController();
let folder = "";
const said: string[] = [];
const ensure = () => ensureKubebox(join(folder, "root"), { say: (line) => void said.push(line), signal });

/** A node's root whose Go tells of its calls in `calls`; `sum` is the hash of what it downloads. */
async function fakeGo(sum: string, build: string): Promise<void> {
  const go = join(folder, "root/usr/bin/go");
  await mkdir(join(folder, "root/usr/bin"), { recursive: true });
  const script = `#!/bin/sh
echo "$GOTOOLCHAIN $GOFLAGS $GOMODCACHE $1 $2" >>"${folder}/calls"
[ "$1" = build ] || { echo '{"Sum": "${sum}"}'; exit; }
for argument; do [ "$last" = -o ] && out=$argument; last=$argument; done
${build}
`;
  await writeFile(go, script);
  await chmod(go, 0o755);
}

const calls = async () => (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");
const left = () => readdir(join(folder, "cache/imgrel/kubebox"));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-kubebox-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  said.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("Kubernetes is compiled once, by the Go that go.mod names, and found under every name", async () => {
  await fakeGo(PINNED, 'echo binary >"$out"');
  const home = await ensure();
  expect(await readFile(join(home, "kube-apiserver"), "utf8")).toBe("binary\n");
  const modules = join(folder, "cache/imgrel/go/mod");
  expect(await calls()).toEqual([
    `local -mod=readonly ${modules} mod download`,
    `go1.26.8 -mod=readonly ${modules} build -buildvcs=false`,
  ]);
  expect(said).toHaveLength(1);
  expect(await ensure()).toBe(home);
  expect(await calls()).toHaveLength(2);
});

test("a Go of another hash never runs, and nothing is left", async () => {
  await fakeGo("h1:other", 'echo binary >"$out"');
  await expect(ensure()).rejects.toMatchObject({ code: "InputDigestMismatch" });
  expect(await calls()).toHaveLength(1);
  expect(await left()).toEqual([]);
});

test("a compilation that fails shows its last lines, and nothing is left", async () => {
  await fakeGo(PINNED, 'echo "main.go:7: no such thing" >&2; exit 1');
  await expect(ensure()).rejects.toMatchObject({
    code: "BuildFailed",
    message: expect.stringContaining("main.go:7: no such thing"),
  });
  expect(await left()).toEqual([]);
});

test("go.mod must name both versions", () => {
  const goMod = "module x\n\ngo 1.26.8\n\nrequire (\n\tk8s.io/kubernetes v1.34.4\n)\n";
  expect(pinnedVersions(goMod)).toEqual({ go: "1.26.8", kubernetes: "v1.34.4" });
  expect(() => pinnedVersions("module x\n")).toThrow("go.mod names no go");
});
