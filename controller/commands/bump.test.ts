import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { demoArchive, demoSpec } from "../../test/fakes/demo-release.ts";
import { fakePackageArchive } from "../../test/fakes/package-archive.ts";
import { runProgram } from "./program.ts";

const packages = fakePackageArchive(demoArchive("20261122T000000Z"));
vi.mock("../wiring.ts", async (original) => ({
  ...(await original<object>()),
  createPackageArchive: () => Promise.resolve(packages.archive),
}));

const SPEC = demoSpec();
const NEXT_KERNEL = { "linux-image-6.12.117+deb13-amd64": "6.12.117-1" };
let cwd = "";
beforeEach(async () => {
  packages.moveOn(demoArchive("20261122T000000Z"));
  cwd = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  await mkdir(join(cwd, "specs", "demo"), { recursive: true });
  await writeFile(join(cwd, "specs", "demo", "release.yaml"), SPEC);
  await writeFile(join(cwd, "specs", "demo", "README.md"), "mine");
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const read = (name: string) => readFile(join(cwd, "specs", "demo", name), "utf8");
const version = async () => /version: "([^"]+)"/.exec(await read("release.yaml"))?.[1];
async function bump(...argv: string[]) {
  const { context, recorded } = fakeCommandContext({ cwd });
  const entry = { name: "bump", summary: "bumps", load: () => import("./bump.ts") };
  await runProgram(["bump", ...argv], context, [entry]);
  return recorded;
}

describe("imgrel bump", () => {
  it("edits spec and lock in place and prints each package", async () => {
    await bump("specs/demo");
    packages.moveOn(demoArchive("20261123T000000Z", { dracut: "1.1-1" }));
    const { stdout, exitCode } = await bump("specs/demo");
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      "demo 2026.11.23-2 -> 2026.11.23-3: demo amd64: 1 upgraded, 0 added, 0 removed\n  upgraded dracut 1.0-1 -> 1.1-1 amd64\n",
    );
    expect(await version()).toBe("2026.11.23-3");
    expect(await read("release.yaml")).toContain("# comments stay");
    expect(await read("lock.amd64.json")).toContain('"1.1-1"');
    expect(await read("README.md")).toBe("mine");
  });

  it("writes nothing where the archive has nothing new", async () => {
    await bump("specs/demo");
    const before = [await read("release.yaml"), await read("lock.amd64.json")];
    const { stdout } = await bump("specs/demo");
    expect(stdout).toBe("specs/demo: the archive has nothing new, 2026.11.23-2 stays\n");
    expect([await read("release.yaml"), await read("lock.amd64.json")]).toEqual(before);
  });

  it("moves a kernel that is gone; one that is there only with --kernel", async () => {
    await bump("specs/demo");
    packages.moveOn(demoArchive("20261123T000000Z", NEXT_KERNEL));
    expect((await bump("specs/demo")).stdout).toContain("nothing new");
    expect((await bump("specs/demo", "--kernel")).stdout).toContain(
      "kernel linux-image-6.12.48+deb13-amd64 -> linux-image-6.12.117+deb13-amd64",
    );
    await writeFile(join(cwd, "specs", "demo", "release.yaml"), SPEC);
    packages.moveOn(demoArchive("20261123T000000Z", { ...NEXT_KERNEL, "linux-image-6.12.48+deb13-amd64": null }));
    await bump("specs/demo");
    expect(await read("release.yaml")).toContain("amd64: linux-image-6.12.117+deb13-amd64");
  });

  it("is not stopped by a lock that its spec has left behind, or that is none", async () => {
    await bump("specs/demo");
    await writeFile(join(cwd, "specs", "demo", "release.yaml"), demoSpec("    packages: [curl]\n"));
    expect((await bump("specs/demo")).stdout).toContain("added curl 1.0-1 amd64");
    await writeFile(join(cwd, "specs", "demo", "lock.amd64.json"), "{");
    expect((await bump("specs/demo")).stdout).toContain("demo amd64: first lock");
  });

  it("reports as JSON", async () => {
    const report: unknown = JSON.parse((await bump("specs/demo", "-o", "json")).stdout);
    expect(report).toMatchObject({
      release: "demo",
      changed: true,
      version: { from: "2026.11.23-1", to: "2026.11.23-2" },
      kernels: [],
      changes: [{ title: "demo amd64" }],
    });
    expect(JSON.parse((await bump("specs/demo", "-o", "json")).stdout)).toMatchObject({ changed: false, changes: [] });
  });

  it("writes nothing where anything is wrong", async () => {
    await expect(bump("specs/none")).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("there is no folder") as string,
    });
    packages.moveOn(demoArchive("20261123T000000Z", { dracut: null }));
    await expect(bump("specs/demo")).rejects.toThrow(/does not have: dracut/);
    expect(await read("release.yaml")).toBe(SPEC);
    await expect(read("lock.amd64.json")).rejects.toThrow(/ENOENT/);
    await writeFile(
      join(cwd, "specs", "demo", "release.yaml"),
      SPEC.replace("linux-image-6.12.48+deb13-amd64", "linux-image-amd64"),
    );
    await expect(bump("specs/demo")).rejects.toMatchObject({ code: "SpecInvalid", exitCode: 2 });
  });
});
