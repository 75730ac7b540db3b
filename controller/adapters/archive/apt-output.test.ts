import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  classifyUpdateFailure,
  missingPackages,
  parseIndexTargets,
  parseMadison,
  parseOffers,
  parsePrintUris,
  proxySettings,
  proxyVariables,
  sourceName,
  unmetDependencies,
} from "./apt-output.ts";

describe("parsePrintUris", () => {
  const sha256 = "ab".repeat(32);

  test("reads downloads among apt's other lines; %3a in a version is a colon", () => {
    const text = [
      "Reading package lists...",
      "The following NEW packages will be installed:",
      "  libc6 zlib1g",
      `'http://mirror.test/debian/pool/main/z/zlib/zlib1g_1.3.1-1%2bdeb13u1_amd64.deb' zlib1g_1%3a1.3.1-1+deb13u1_amd64.deb 88720 SHA256:${sha256}`,
    ].join("\n");
    expect(parsePrintUris(text)).toEqual([
      {
        url: "http://mirror.test/debian/pool/main/z/zlib/zlib1g_1.3.1-1%2bdeb13u1_amd64.deb",
        name: "zlib1g",
        version: "1:1.3.1-1+deb13u1",
        arch: "amd64",
        size: 88_720,
        sha256,
      },
    ]);
  });

  test("gives back name, version, architecture, size and hash of any package", () => {
    const names = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/);
    const versions = fc.stringMatching(/^([0-9]{1,2}:)?[0-9][A-Za-z0-9.+~-]{0,20}$/);
    const hashes = fc.stringMatching(/^[0-9a-f]{64}$/);
    const planned = fc.record({
      name: names,
      version: versions,
      arch: fc.constantFrom("amd64", "arm64", "all"),
      size: fc.nat(),
      sha256: hashes,
    });
    fc.assert(
      fc.property(fc.array(planned), (list) => {
        // apt's own escaping of a file name: _ and : as %5f and %3a
        const lines = list.map(
          ({ name, version, arch, size, sha256: hash }) =>
            `'http://m.test/x.deb' ${name}_${version.replaceAll(":", "%3a")}_${arch}.deb ${size} SHA256:${hash}`,
        );
        expect(parsePrintUris(lines.join("\n"))).toEqual(list.map((one) => ({ url: "http://m.test/x.deb", ...one })));
      }),
    );
  });

  test.each([
    ["another hash than SHA-256", "'http://m.test/a_1_all.deb' a_1_all.deb 5 MD5Sum:00"],
    ["no hash", "'http://m.test/a_1_all.deb' a_1_all.deb 5 "],
    ["no version", "'http://m.test/a.deb' a.deb 5 SHA256:00"],
  ])("a download with %s is an error", (_what, line) => {
    expect(() => parsePrintUris(line)).toThrow(SyntaxError);
  });
});

describe("why apt could not install", () => {
  test("names every missing package once", () => {
    const text = [
      "Reading package lists...",
      "E: Unable to locate package linux-image-6.1.0-1-amd64",
      "E: Package 'mail-transport-agent' has no installation candidate",
      "E: Version '1' for 'bash' was not found",
      "E: Unable to locate package linux-image-6.1.0-1-amd64",
    ].join("\n");
    expect(missingPackages(text)).toEqual(["linux-image-6.1.0-1-amd64", "mail-transport-agent", "bash"]);
    expect(missingPackages("E: You have held broken packages.")).toEqual([]);
  });

  test("takes unmet dependencies out of the explanation", () => {
    const text = [
      "The following packages have unmet dependencies:",
      " composefs : Depends: libcomposefs1 (= 1.0.8-3) but 1.0.7-1 is to be installed",
      " a : PreDepends: b but it is not installable",
      "E: Unable to correct problems, you have held broken packages.",
    ].join("\n");
    expect(unmetDependencies(text)).toEqual([
      "composefs : Depends: libcomposefs1 (= 1.0.8-3) but 1.0.7-1 is to be installed",
      "a : PreDepends: b but it is not installable",
    ]);
  });
});

test("parseMadison tells which suite has which version", () => {
  const text = [
    " composefs |    1.0.8-3 | http://mirror.test/debian forky/main amd64 Packages",
    "      cpio | 2.15+dfsg-2 | http://mirror.test/debian trixie/main amd64 Packages",
    "      cpio | 2.15+dfsg-2 | http://mirror.test/debian trixie/main Sources",
  ].join("\n");
  expect(parseMadison(text)).toEqual(new Set(["composefs 1.0.8-3 forky", "cpio 2.15+dfsg-2 trixie"]));
});

test("stanzas give source names and offers", () => {
  const stanza = "Package: libcomposefs1\nSource: composefs (1.0.8-3)\nVersion: 1.0.8-3\n";
  expect(sourceName(stanza)).toBe("composefs");
  expect(sourceName("Package: cpio\nVersion: 2\n")).toBe("cpio");
  expect(sourceName("")).toBeUndefined();
  expect(parseOffers(`Package: zed\nVersion: 1:2-3\n\n${stanza}\nPackage: virtual\n`)).toEqual([
    { name: "libcomposefs1", version: "1.0.8-3" },
    { name: "zed", version: "1:2-3" },
  ]);
});

test("parseIndexTargets lists each repository once and knows an origin from none", () => {
  const text = [
    "http://a.test/debian/|Debian",
    "http://b.test/x/|$(ORIGIN)",
    "http://a.test/debian/|Debian",
    "http://c.test/|",
    "http://d.test/|Two words | and a bar",
    "",
  ].join("\n");
  expect(parseIndexTargets(text)).toEqual([
    { uri: "http://a.test/debian/", origin: "Debian" },
    { uri: "http://b.test/x/", origin: undefined },
    { uri: "http://c.test/", origin: undefined },
    { uri: "http://d.test/", origin: "Two words | and a bar" },
  ]);
});

describe("proxies of the machine's apt", () => {
  const dump = [
    'Acquire::http "";',
    'Acquire::http::Proxy "http://proxy.test:3128/";',
    'Acquire::http::Proxy::local.test "DIRECT";',
    'Acquire::https::Proxy "DIRECT";',
    'Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";',
    'Acquire::http::User-Agent "x";',
    'APT::Update::Post-Invoke:: "touch /pwned";',
  ].join("\n");

  test("only proxy settings are carried over", () => {
    expect(proxySettings(dump)).toEqual([
      'Acquire::http::Proxy "http://proxy.test:3128/";',
      'Acquire::http::Proxy::local.test "DIRECT";',
      'Acquire::https::Proxy "DIRECT";',
      'Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";',
    ]);
  });

  test("become variables where there is one", () => {
    expect(proxyVariables(proxySettings(dump))).toEqual({
      http_proxy: "http://proxy.test:3128/",
      no_proxy: "local.test",
    });
    expect(proxyVariables([])).toEqual({});
  });
});

describe("classifyUpdateFailure", () => {
  test.each([
    [
      "signature",
      "W: GPG error: http://m.test x InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 1",
    ],
    ["signature", "E: The repository 'http://m.test x InRelease' is not signed."],
    ["signature", "W: http://m.test/dists/x/InRelease: The following signatures were invalid: BADSIG 1 x"],
    [
      "signature",
      "W: OpenPGP signature verification failed: http://m.test x InRelease: Sub-process /usr/bin/sqv returned an error code (1)",
    ],
    [
      "signature",
      "E: Failed to fetch http://m.test/dists/x/InRelease  Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)",
    ],
    [
      "expired",
      "E: Release file for http://m.test/dists/x/InRelease is expired (invalid since 17d 4h). Updates for this repository will not be applied.",
    ],
    ["missing", "E: The repository 'http://m.test x Release' does not have a Release file."],
    ["missing", "E: Failed to fetch http://m.test/dists/x/InRelease  404  Not Found [IP: 127.0.0.1 80]"],
    [
      "unreachable",
      "W: Failed to fetch http://m.test/dists/x/InRelease  Could not connect to m.test:80 (127.0.0.1). - connect (111: Connection refused)",
    ],
  ])("%s: %s", (kind, line) => {
    expect(
      classifyUpdateFailure(`Ign:1 http://m.test x InRelease\n${line}\nE: Some index files failed to download.`),
    ).toEqual({
      kind,
      reason: line.slice(3).replaceAll(/ +/g, " "),
    });
  });

  test("a wrong signature outweighs whatever else is said", () => {
    const output =
      "E: Failed to fetch http://m.test/a 404  Not Found\nW: GPG error: http://m.test x InRelease: NO_PUBKEY 1";
    expect(classifyUpdateFailure(output).kind).toBe("signature");
  });

  test("a password in an address is not repeated; silence has words", () => {
    expect(classifyUpdateFailure("E: Failed to fetch http://me:secret@m.test/x 404").reason).toBe(
      "Failed to fetch http://m.test/x 404",
    );
    expect(classifyUpdateFailure("")).toEqual({ kind: "unreachable", reason: "apt-get update failed" });
  });
});
