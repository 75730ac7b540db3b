import { createHash, generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { Policy } from "./policy.ts";
import { keySigners, localPolicy, readPolicy, requirePolicy } from "./policy-file.ts";
import { formatProblem } from "./problem.ts";

const { publicKey: key, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = key.export({ type: "spki", format: "pem" }).toString();
const SHA256 = createHash("sha256")
  .update(key.export({ type: "spki", format: "der" }))
  .digest("hex");

const LOCAL = localPolicy({ keySha256: SHA256, publicKey: PEM, minBuilds: 2, bootRequired: true });

const TWO = `apiVersion: releases.powernode.io/v1alpha1
signers:
  - id: controller
    mode: key
    keySha256: ${SHA256}
    builderIds: [https://imgrel.example/builders/k8s@v1]
    operator: acme
    maxBuildLevel: 2
    validFrom: 2026-01-01T00:00:00Z
    validUntil: 2027-01-01T00:00:00Z
  - id: rebuilder
    mode: keyless
    issuer: https://oidc.example
    san: https://oidc.example/ns/rebuild/sa/imgrel
    builderIds: [https://b.example/imgrel@v1]
    operator: b
    maxBuildLevel: 3
requirements: { minBuilds: 3, minOperators: 2, tests: [boot] }
`;

const ALICE = "alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA";
const MORE = `${TWO}specSigners: |
  # people
  ${ALICE}
waivers: [{ release: demo, operator: b, why: a broken disk }]
`;

const problemsOf = (text: string): string[] => {
  const result = readPolicy(text, "p");
  return result.ok ? [] : result.problems.map(formatProblem);
};

describe("a policy", () => {
  it("has signers of both modes, and requirements with their defaults", () => {
    const { signers, requirements } = requirePolicy(TWO, "p");
    expect(signers.map(({ id, mode, operator }) => [id, mode, operator])).toEqual([
      ["controller", "key", "acme"],
      ["rebuilder", "keyless", "b"],
    ]);
    expect(requirements).toEqual({
      ...{ minBuilds: 3, minOperators: 2, tlog: "optional", timestamp: "required-for-keyless" },
      ...{ tests: ["boot"], sbom: true },
    });
    const short = requirePolicy(TWO.replace(/requirements:.*\n/, ""), "p");
    expect(short.requirements).toMatchObject({ minBuilds: 2, minOperators: 1, tests: ["boot"], sbom: true });
  });

  it("may say who approves specs, and which other bytes are known", () => {
    const { specSigners, waivers } = requirePolicy(MORE, "p");
    expect(specSigners).toBe(`# people\n${ALICE}\n`);
    expect(waivers).toEqual([{ release: "demo", operator: "b", why: "a broken disk" }]);
  });

  it.each([
    [
      "approval by nobody",
      MORE.replace(`  ${ALICE}\n`, ""),
      /^p:\d+:\d+: specSigners: "# people.*" is not an allowed_signers file/,
    ],
    [
      "a private key for an approver",
      MORE.replace("# people", "-----BEGIN OPENSSH PRIVATE KEY-----"),
      /^p:\d+:\d+: specSigners: holds a private key/,
    ],
    ["a waiver without a reason", MORE.replace(", why: a broken disk", ""), /waivers\[0\]\.why: is missing/],
    ["a waiver for all", MORE.replace("operator: b, ", ""), /waivers\[0\]\.operator: is missing/],
    [
      "a kind",
      `kind: Policy\n${TWO}`,
      "p:1:1: kind: this key does not belong in the file (remove it: a policy has none)",
    ],
    [
      "another version",
      TWO.replace("v1alpha1", "v2"),
      'p:1:13: apiVersion: "releases.powernode.io/v2" is not releases.powernode.io/v1alpha1 (write releases.powernode.io/v1alpha1)',
    ],
    [
      "no signers",
      TWO.replace(/signers:[^]*requirements/, "signers: []\nrequirements").replace(
        "minOperators: 2",
        "minOperators: 1",
      ),
      'p:2:10: signers: is empty (write for example signers: [{"id":"controller","mode":"key"}])',
    ],
    [
      "a mode that there is not",
      TWO.replace("mode: key\n", "mode: keys\n"),
      'p:4:11: signers[0].mode: "keys" is not one of key, keyless (write key)',
    ],
    [
      "a key signer without key",
      TWO.replace(/ {4}keySha256: .*\n/, ""),
      `p:3:5: signers[0].keySha256: is missing (add it, for example keySha256: "${"0123456789abcdef".repeat(4)}")`,
    ],
    [
      "an identity for a key signer",
      TWO.replace("    keySha256", "    san: x\n    keySha256"),
      'p:5:5: signers[0].san: unknown key "san" (known here: id, builderIds, operator, maxBuildLevel, validFrom, validUntil, mode, keySha256, publicKey)',
    ],
    [
      "a fingerprint with its prefix",
      TWO.replace(SHA256, `sha256:${SHA256}`),
      /^p:5:16: signers\[0\]\.keySha256: "sha256:[0-9a-f]+…" has a prefix \(write the 64 hex digits only\)$/,
    ],
    [
      "a pattern for an identity",
      TWO.replace("sa/imgrel", "sa/.*"),
      'p:14:10: signers[1].san: "https://oidc.example/ns/rebuild/sa/.*" looks like a pattern (write one identity, which is compared as it is)',
    ],
    [
      "an issuer that is no URL",
      TWO.replace("issuer: https://oidc.example", "issuer: oidc.example"),
      /^p:13:13: signers\[1\]\.issuer: "oidc\.example" has no scheme/,
    ],
    [
      "a level that SLSA has not",
      TWO.replace("maxBuildLevel: 2", "maxBuildLevel: 4"),
      "p:8:20: signers[0].maxBuildLevel: 4 is not at most 3 (write a whole number from 0 to 3)",
    ],
    [
      "a day that there is not",
      TWO.replace("2027-01-01", "2027-02-30"),
      'p:10:17: signers[0].validUntil: "2027-02-30T00:00:00Z" is no moment of the calendar (correct the month, day or time)',
    ],
    [
      "a date without time",
      TWO.replace("2027-01-01T00:00:00Z", "2027-01-01"),
      /^p:10:17: signers\[0\]\.validUntil: "2027-01-01" is not a moment in UTC/,
    ],
    [
      "an end before the start",
      TWO.replace("2027-01-01", "2025-01-01"),
      "p:10:17: signers[0].validUntil: is not after validFrom (correct one of the two)",
    ],
    [
      "a builder that is no URI",
      TWO.replace("https://b.example/imgrel@v1", "b"),
      /^p:15:18: signers\[1\]\.builderIds\[0\]: "b" is not a builder's id/,
    ],
    [
      "a builder twice",
      TWO.replace("[https://b.example/imgrel@v1]", '["b:1", "b:1"]'),
      'p:15:25: signers[1].builderIds[1]: builder "b:1" stands twice, first as entry 0 (remove one of the two)',
    ],
    [
      "a signer twice",
      TWO.replace("id: rebuilder", "id: controller"),
      'p:11:9: signers[1].id: signer "controller" stands twice, first as entry 0 (give each signer a name of its own)',
    ],
    [
      "more operators than there are",
      TWO.replace("operator: b", "operator: acme"),
      "p:18:45: requirements.minOperators: 2 operators are asked for, but the signers have 1 (add signers of other operators, or ask for fewer)",
    ],
    [
      "fewer builds than operators",
      TWO.replace("minBuilds: 3", "minBuilds: 1"),
      "p:18:28: requirements.minBuilds: 1 builds cannot come from 2 operators (write 2 or more)",
    ],
    [
      "a test that there is not",
      TWO.replace("[boot]", "[boots]"),
      'p:18:56: requirements.tests[0]: "boots" is not boot (write boot)',
    ],
  ])("is refused with %s", (_, text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem instanceof RegExp ? problem : new RegExp(`^${RegExp.escape(problem)}$`));
  });

  it("is explained with an example that is one, and with every field", async () => {
    const text = await readFile(new URL("../../docs/policy.md", import.meta.url), "utf8");
    const [, example = ""] = /```yaml\n([^`]+)```/.exec(text) ?? [];
    expect(requirePolicy(example, "docs/policy.md").signers).toHaveLength(2);
    const { properties } = z.toJSONSchema(Policy, { io: "input" }) as {
      properties: Record<string, { properties?: object }>;
    };
    const signers = Policy.shape.signers.element.options.flatMap(({ shape }) => Object.keys(shape));
    const requirements = Object.keys(properties["requirements"]?.properties ?? {});
    for (const field of [...Object.keys(properties), ...signers, ...requirements]) {
      expect(text).toContain(`\`${field}\``);
    }
  });

  it("throws every problem, one a line", () => {
    const wrong = TWO.replace("maxBuildLevel: 2", "maxBuildLevel: 9").replace("mode: keyless", "mode: none");
    expect(() => requirePolicy(wrong, "p")).toThrow(/^p:8:20: .*\np:12:11: /);
    expect(() => requirePolicy("x", "p")).toThrow(expect.objectContaining({ code: "SpecInvalid", exitCode: 2 }));
  });

  it("whatever replaces a value: a policy, or problems with places; never an exception", () => {
    const value: unknown = parse(TWO);
    const anything = fc.oneof(fc.jsonValue(), fc.constantFrom("", "x", 1, -1, null, [], {}, [null], "key", PEM));
    const paths = [
      ["apiVersion"],
      ["signers"],
      ["requirements"],
      ["signers", 0],
      ["signers", 1],
      ["signers", 0, "mode"],
    ];
    const keys = ["id", "keySha256", "publicKey", "builderIds", "operator", "maxBuildLevel", "validFrom"];
    const all = [
      ...paths,
      ...keys.map((name) => ["signers", 0, name]),
      ["requirements", "minBuilds"],
      ["requirements", "tests"],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...all), anything, (path, replacement) => {
        const copy = structuredClone(value) as Record<string | number, never>;
        const parent = path
          .slice(0, -1)
          .reduce<Record<string | number, unknown>>((at, step) => at[step] as never, copy);
        parent[path.at(-1) ?? ""] = replacement;
        const result = readPolicy(stringify(copy, { aliasDuplicateObjects: false }), "p");
        for (const { line, message, remedy } of result.ok ? [] : result.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(`${message} ${remedy}`).not.toMatch(/invalid input|undefined/i);
        }
      }),
    );
  });
});

describe("the public key in a policy", () => {
  const withKey = (pem: string) => LOCAL.replace(PEM.replaceAll(/^/gm, "      ").trimEnd(), pem.trimEnd());
  const indented = (pem: string) => pem.replaceAll(/^(?=.)/gm, "      ");

  it("must have the fingerprint that stands beside it", () => {
    expect(problemsOf(withKey(indented(PEM)))).toEqual([]);
    const { publicKey: other } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const problems = problemsOf(withKey(indented(other.export({ type: "spki", format: "pem" }).toString())));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/signers\[0\]\.publicKey: has the fingerprint [0-9a-f]{64}, not keySha256/);
  });

  it("must be base64", () => {
    const broken = PEM.replace(/\n.{8}/, "\n=AAAAAA=");
    expect(problemsOf(withKey(indented(broken)))[0]).toMatch(/publicKey: "-----BEGIN.*" is not a public key in PEM/);
    const odd = "-----BEGIN PUBLIC KEY-----\nAAAAA\n-----END PUBLIC KEY-----\n";
    expect(problemsOf(withKey(indented(odd)))[0]).toMatch(/publicKey: is not base64 inside \(find out which/);
  });

  it("is never a private one, and nothing of that is repeated", () => {
    const secret = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const [problem = "", ...more] = problemsOf(withKey(indented(secret)));
    expect(more).toEqual([]);
    expect(problem).toMatch(/publicKey: is a private key \(replace that key/);
    for (const line of secret.split("\n").slice(1, -2)) expect(problem).not.toContain(line.slice(0, 8));
  });
});

describe("the local process's own policy", () => {
  it("trusts one key of one operator, at level 1", () => {
    expect(requirePolicy(LOCAL, "p")).toEqual({
      apiVersion: "releases.powernode.io/v1alpha1",
      signers: [
        {
          ...{ id: "local", mode: "key", keySha256: SHA256, publicKey: PEM, operator: "local", maxBuildLevel: 1 },
          builderIds: ["https://imgrel.example/builders/local@v1"],
        },
      ],
      requirements: {
        ...{ minBuilds: 2, minOperators: 1, tlog: "optional", timestamp: "required-for-keyless" },
        ...{ tests: ["boot"], sbom: true },
      },
    });
    expect(LOCAL.split("\n")[0]).toMatch(/^# Whom imgrel verify believes/);
  });

  it("asks for what the class asks for", () => {
    const loose = localPolicy({ keySha256: SHA256, publicKey: PEM, minBuilds: 3, bootRequired: false });
    expect(requirePolicy(loose, "p").requirements).toMatchObject({ minBuilds: 3, tests: [] });
  });
});

describe("keySigners", () => {
  const policy: Policy = requirePolicy(TWO, "p");

  it("has the keys that the policy holds or that are given beside it, with their validity", () => {
    expect(keySigners(policy, new Map([[SHA256, PEM]]))).toEqual([
      {
        ...{ id: "controller", mode: "key", keySha256: SHA256, publicKey: PEM },
        ...{ validFrom: new Date("2026-01-01T00:00:00Z"), validUntil: new Date("2027-01-01T00:00:00Z") },
      },
    ]);
    expect(keySigners(requirePolicy(LOCAL, "p"), new Map())).toEqual([
      { id: "local", mode: "key", keySha256: SHA256, publicKey: PEM },
    ]);
  });

  it("does not go on without a key", () => {
    expect(() => keySigners(policy, new Map())).toThrow(
      /no public key for the signer controller, fingerprint [0-9a-f]{64}/,
    );
  });
});
