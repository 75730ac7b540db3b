import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { candidates, type HostApt, httpBase, mirrorListUrls } from "./sources.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-sources-"));
  await writeFile(
    join(folder, "mirrors"),
    "# near ones\nhttp://near.test/debian\tpriority:1\nhttps://far.test/debian/\n",
  );
});
afterAll(() => rm(folder, { recursive: true }));

const host =
  (...repositories: [string, string | undefined][]) =>
  (): Promise<HostApt> =>
    Promise.resolve({
      repositories: repositories.map(([uri, origin]) => ({ uri, origin })),
      settings: ['Acquire::http::Proxy "http://proxy.test/";'],
    });
const noHost = () => Promise.reject(new Error("the host's apt was asked"));

const shown = async (...args: Parameters<typeof candidates>) =>
  (await candidates(...args)).map((found) =>
    "base" in found ? `${found.kind} ${found.base.href}` : `${found.kind}: ${found.reason}`,
  );

describe("candidates", () => {
  const mirror = { kind: "mirror", url: "https://mirror.test/debian" } as const;
  const snapshot = { kind: "snapshot", urlTemplate: "https://snapshot.test/debian/{timestamp}" } as const;

  test("keep the class's order, each with a final slash", async () => {
    expect(
      await shown(
        "debian",
        [snapshot, mirror, { kind: "system" }],
        ["20261101T000000Z"],
        host(["http://a.test/debian/", "Debian"]),
      ),
    ).toEqual([
      "snapshot https://snapshot.test/debian/20261101T000000Z/",
      "mirror https://mirror.test/debian/",
      "system http://a.test/debian/",
    ]);
  });

  test("of the machine's apt: what is that archive, each once, with its proxy", async () => {
    const repositories = host(
      ["http://a.test/debian/", "Debian"],
      ["https://vendor.test/apt/", "Vendor"],
      ["http://u.test/", undefined],
      ["http://a.test/debian", "Debian"],
      ["file:/srv/debian/", "Debian"],
    );
    expect(await shown("debian", [{ kind: "system" }], [], repositories)).toEqual(["system http://a.test/debian/"]);
    const [first] = await candidates("debian", [{ kind: "system" }], [], repositories);
    expect(first).toMatchObject({ settings: ['Acquire::http::Proxy "http://proxy.test/";'] });
  });

  test("of a machine whose apt knows no such archive by name: what it knows nothing of", async () => {
    const repositories = host(
      ["http://v.test/", "Vendor"],
      ["http://u.test/", undefined],
      ["http://w.test/", undefined],
    );
    const expected = ["system http://u.test/", "system http://w.test/"];
    expect(await shown("debian", [{ kind: "system" }], [], repositories)).toEqual(expected);
  });

  test("a mirror list of the machine's apt stands for its mirrors", async () => {
    const list = host([`mirror+file:${folder}/mirrors/`, "Debian"], [`mirror+file://${folder}/mirrors`, "Debian"]);
    expect(await shown("debian", [{ kind: "system" }], [], list)).toEqual([
      "system http://near.test/debian/",
      "system https://far.test/debian/",
    ]);
  });

  test("the machine's proxy is for its own sources only, and its apt is not asked without need", async () => {
    const found = await candidates("debian", [mirror, snapshot], ["20261101T000000Z"], noHost);
    expect(found.map((one) => ("settings" in one ? one.settings : undefined))).toEqual([[], []]);
  });

  test("say why a source gives nothing", async () => {
    expect(
      await shown("ubuntu", [{ kind: "system" }, snapshot], [], host(["http://a.test/debian/", "Debian"])),
    ).toEqual([
      "system: this machine's apt is set up with no http source whose Origin is ubuntu",
      "snapshot: the request names no snapshot",
    ]);
  });
});

test("httpBase takes http and https only", () => {
  expect(httpBase("http://a.test/x")?.href).toBe("http://a.test/x/");
  expect(httpBase("https://a.test")?.href).toBe("https://a.test/");
  for (const other of ["file:/x", "ftp://a.test/", "cdrom:[x]/", "not a url", ""])
    expect(httpBase(other)).toBeUndefined();
});

test("mirrorListUrls leaves out comments and options", () => {
  expect(mirrorListUrls("# a\n\nhttp://x.test/ priority:1\n  http://y.test/\n")).toEqual([
    "http://x.test/",
    "http://y.test/",
  ]);
});
