import { afterAll, beforeAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StructuralSchema } from "../../controller/domain/crds/structural-schema.ts";
import type { Kind } from "../../controller/domain/documents.ts";
import { changed, RELEASE, RELEASE_STATUS, SPEC_CHANGES, STATUS_CHANGES } from "../contracts/crd-changes.ts";
import {
  FILES_ONLY,
  goodDocuments,
  objectOf,
  refusedDocuments,
  specsNear,
  STORED_KINDS,
  typeOf,
} from "../contracts/stored-corpus.ts";
import { admissionFaults, schemaOf } from "../contracts/structural-admission.ts";
import { validRelease } from "../fakes/release-specs.ts";
import { imgrel, PROJECT } from "../imgrel.ts";
import { type Answer, type ApiServer, openApiServer, pathOf } from "./api-server.ts";
import { type Cluster, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { bringUp } from "./cluster/up.ts";

// What `imgrel crds` prints, on a real API server: it must judge as zod and test/contracts/structural-admission.ts do.
const NAME = "crds";
const NAMESPACE = "imgrel-system";
const KINDS = Object.keys(STORED_KINDS) as Kind[];
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const demo = await readFile(join(PROJECT, "specs/demo/release.yaml"), "utf8");
let cluster: Cluster;
let api: ApiServer;

const run = async (args: readonly string[], input?: string): Promise<string> =>
  printed(await kubectl(cluster, args, input));
const inNamespace = (...args: readonly string[]): Promise<string> => run(["--namespace", NAMESPACE, ...args]);

beforeAll(async () => {
  await takeDown(NAME, signal);
  cluster = await bringUp(NAME, { say, signal });
  await run(["create", "namespace", NAMESPACE]);
  const crds = printed(await imgrel("crds"));
  await run(["apply", "--server-side", "-f", "-"], crds);
  const names = KINDS.map((kind) => `crd/${STORED_KINDS[kind].crd.metadata.name}`);
  await run(["wait", "--for=condition=Established", "--timeout=600s", ...names]);
  api = await openApiServer(cluster);
});
afterAll(() => takeDown(NAME, signal));

const STRICT = "fieldValidation=Strict";
const DRY = `${STRICT}&dryRun=All`;
/** Whether the API server would store an object; what it says. */
const create = (kind: Kind, object: unknown, query = DRY): Promise<Answer> =>
  api("POST", `${pathOf(kind, NAMESPACE)}?${query}`, object);
const isAccepted = ({ status }: Answer): boolean => status === 200 || status === 201;
const shown = ({ body }: Answer): string => JSON.stringify(body["message"] ?? body);

/** It refused the object for what it holds, not for where it was sent. */
function assertRefused(answer: Answer): void {
  expect([400, 422], shown(answer)).toContain(answer.status);
}

describe("the kinds", () => {
  it("are established, and nothing is wrong with their schemas", async () => {
    for (const kind of KINDS) {
      const { crd } = STORED_KINDS[kind];
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
      const { body } = await api("GET", path);
      const { conditions } = body["status"] as { conditions: { type: string; status: string; message: string }[] };
      expect(Object.fromEntries(conditions.map(({ type, status }) => [type, status]))).toEqual({
        Established: "True",
        NamesAccepted: "True",
      });
    }
  });
  it("can be applied again, which changes nothing", async () => {
    const crds = printed(await imgrel("crds"));
    const generations = () => run(["get", "crds", "--output", "jsonpath={.items[*].metadata.generation}"]);
    const before = await generations();
    await run(["apply", "--server-side", "-f", "-"], crds);
    expect(await generations()).toBe(before);
  });
  it.each(KINDS)("%s is explained field by field", async (kind) => {
    const { crd } = STORED_KINDS[kind];
    const resource = crd.spec.names.singular;
    const explain = async (path: string) =>
      (await run(["explain", path, "--api-version", `${crd.spec.group}/v1alpha1`])).replaceAll(/\s+/g, " ");
    // the API server publishes a new schema some seconds late
    for (
      let tries = 0;
      !(await kubectl(cluster, ["explain", `${resource}.spec`])).stdout.includes("FIELDS");
      tries += 1
    ) {
      expect(tries).toBeLessThan(60);
      await sleep(500);
    }
    const visit = async (schema: StructuralSchema, path: string): Promise<void> => {
      const inner = schema.items ?? schema.additionalProperties ?? schema;
      if (inner.properties === undefined) return;
      const text = await explain(path);
      for (const [name, member] of Object.entries(inner.properties)) {
        expect(text, `${path}.${name}`).toContain(` ${name} <`);
        if (member.description === undefined) continue; // the API server's own
        expect(text, `${path}.${name}`).toContain(member.description.replaceAll(/\s+/g, " "));
        await visit(member, `${path}.${name}`);
      }
    };
    await visit(schemaOf(crd), resource);
  });
});

describe("documents", () => {
  it.each(goodDocuments(demo))("$name is taken, unchanged", async ({ kind, document }) => {
    const object = objectOf(document);
    const answer = await create(kind, object);
    expect(isAccepted(answer), shown(answer)).toBe(true);
    expect(answer.body["spec"]).toEqual((object as { spec: unknown }).spec);
  });
  it.each(refusedDocuments().filter(({ name }) => !FILES_ONLY.has(name)))("$kind, $name: refused", async (one) => {
    assertRefused(await create(one.kind, objectOf(one.document)));
  });
  it("labels that are none are refused, a status is not taken from who writes the spec", async () => {
    const labelled = { ...RELEASE, metadata: { name: "labelled", labels: { "my team": "a b" } } };
    assertRefused(await create("DiskImageRelease", labelled));
    const { status, body } = await create("DiskImageRelease", { ...RELEASE, status: RELEASE_STATUS });
    expect(status).toBe(201);
    expect(body).not.toHaveProperty("status");
  });
  it("that stand in files: every one is taken, and nothing of it is lost", async () => {
    await fc.assert(
      fc.asyncProperty(validRelease, async (document) => {
        const object = objectOf(document);
        const answer = await create("DiskImageRelease", object);
        expect(isAccepted(answer), shown(answer)).toBe(true);
        expect(answer.body["spec"]).toEqual((object as { spec: unknown }).spec);
      }),
      { numRuns: 60 },
    );
  });
  it.each(KINDS)("of %s that are near a good one: judged as our own checks judge them", async (kind) => {
    const { crd } = STORED_KINDS[kind];
    await fc.assert(
      fc.asyncProperty(specsNear(kind), async (spec) => {
        const object = { ...typeOf(kind), metadata: { name: "demo" }, spec };
        const answer = await create(kind, object);
        const faults = admissionFaults(crd, object);
        expect(isAccepted(answer), `${JSON.stringify(spec)}\n${faults.join("\n")}\n${shown(answer)}`).toBe(
          faults.length === 0,
        );
      }),
      { numRuns: 200 },
    );
  });
  it("with their defaults filled in are stored whole, and read again as they were", async () => {
    for (const { kind, document } of goodDocuments(demo)) {
      const { schema } = STORED_KINDS[kind];
      const name = `round-${Math.random().toString(36).slice(2)}`;
      const answer = await create(kind, { ...(objectOf(document) as object), metadata: { name } }, STRICT);
      const read = schema.parse(answer.body);
      const filled = await create(
        kind,
        { ...typeOf(kind), metadata: { name: `${name}-filled` }, spec: read.spec },
        STRICT,
      );
      expect(filled.status, shown(filled)).toBe(201);
      const { body } = await api("GET", pathOf(kind, NAMESPACE, `${name}-filled`));
      expect(body["spec"]).toEqual(read.spec);
      expect(schema.parse(body).spec).toEqual(read.spec);
    }
  });
});

describe("a release that is there", () => {
  const path = pathOf("DiskImageRelease", NAMESPACE, RELEASE.metadata.name);
  let stored: Answer["body"];
  beforeAll(async () => {
    const made = await create("DiskImageRelease", RELEASE, STRICT);
    expect(made.status, shown(made)).toBe(201);
    const withStatus = await api("PUT", `${path}/status?${STRICT}`, { ...made.body, status: RELEASE_STATUS });
    expect(withStatus.status, shown(withStatus)).toBe(200);
    stored = withStatus.body;
  });
  it("has the status that was written to it, which zod reads", async () => {
    expect(stored["status"]).toEqual(RELEASE_STATUS);
    expect(STORED_KINDS.DiskImageRelease.schema.parse(stored).status).toEqual(RELEASE_STATUS);
  });
  it.each(SPEC_CHANGES)("takes only what may change of its spec: $name", async (change) => {
    const answer = await api("PUT", `${path}?${DRY}`, changed(stored, change));
    expect(answer.status, shown(answer)).toBe(change.accepted ? 200 : 422);
  });
  it.each(STATUS_CHANGES)("takes only what may change of its status: $name", async (change) => {
    const answer = await api("PUT", `${path}/status?${DRY}`, changed(stored, change));
    expect(answer.status, shown(answer)).toBe(change.accepted ? 200 : 422);
  });
  it("changes its status only through the subresource, and there nothing else", async () => {
    const other = { ...stored, status: { phase: "Failed" } };
    expect((await api("PUT", `${path}?${DRY}`, other)).body["status"]).toEqual(RELEASE_STATUS);
    const renamed = changed(stored, { name: "", path: "spec.suspend", value: true, accepted: true });
    const answer = await api("PUT", `${path}/status?${DRY}`, renamed);
    expect(answer.body["spec"]).toMatchObject({ suspend: false });
  });
  it("is suspended by a patch, and nothing else is", async () => {
    const patch = (spec: object) => ["patch", "direl", "changes", "--type=merge", "-p", JSON.stringify({ spec })];
    expect(await inNamespace(...patch({ suspend: true }))).toContain("patched");
    await expect(inNamespace(...patch({ builds: 3 }))).rejects.toThrow("builds never changes: release a new version");
    await inNamespace(...patch({ suspend: false }));
  });
});

it("a patch of suspend survives what the source sync applies again", async () => {
  const { suspend: _, ...others } = RELEASE.spec;
  const spec = { ...others, version: "2" };
  const object = JSON.stringify({ ...RELEASE, metadata: { name: "synced" }, spec });
  const sync = () =>
    run(["--namespace", NAMESPACE, "apply", "--server-side", "--field-manager=imgrel-source", "-f", "-"], object);
  const read = async () => (await api("GET", pathOf("DiskImageRelease", NAMESPACE, "synced"))).body;
  await sync();
  await inNamespace("patch", "direl", "synced", "--type=merge", "-p", '{"spec":{"suspend":true}}');
  const patched = await read();
  await sync();
  expect(await read()).toEqual(patched);
  expect(patched["spec"]).toEqual({ ...spec, suspend: true });
});

/** A table's lines as words; columns are three spaces apart. */
const rows = (text: string): string[][] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/ {3,}/));

describe("kubectl get", () => {
  it("shows how far a release is", async () => {
    const [header, row] = rows(await inNamespace("get", "diskimagereleases", "changes"));
    expect(header).toEqual(["NAME", "VERSION", "READY", "PHASE", "TARGETS", "REPRO", "PUBLISHED", "AGE"]);
    expect(row?.slice(0, 5)).toEqual(["changes", "1", "False", "Publishing", "1/2"]);
  });
  it("shows more with -o wide", async () => {
    const [header = [], row] = rows(await inNamespace("get", "direls", "changes", "-o", "wide"));
    expect(header.slice(8)).toEqual(["REASON", "COMMIT", "ATTEMPT", "STATUS-COMMIT", "MESSAGE"]);
    expect(row).toEqual(
      expect.arrayContaining(["Progressing", RELEASE.spec.source.commit, "the release is under way"]),
    );
  });
  it.each([
    ["direl", "diskimagerelease"],
    ["direlc", "diskimagereleaseclass"],
    ["dirs", "diskimagereleasesource"],
  ])("knows %s", async (short, kind) => {
    const names = await inNamespace("get", short, "-o", "name");
    expect(names).toMatch(new RegExp(`^${kind}\\.releases\\.powernode\\.io/`));
    expect(await inNamespace("get", "powernode", "-o", "name")).toContain(names);
  });
  it("lists releases among all, and selects by version and class", async () => {
    expect(await inNamespace("get", "all", "-o", "name")).toContain("diskimagerelease.releases.powernode.io/changes\n");
    const select = (selector: string) => inNamespace("get", "direl", "--field-selector", selector, "-o", "name");
    expect(await select("spec.version=1,spec.className=stable")).toBe(
      "diskimagerelease.releases.powernode.io/changes\n",
    );
    expect(await select("spec.version=no-such")).toBe("");
  });
  it.each([
    ["direlc", ["NAME", "BUILDS", "SIGNING", "REPOSITORY", "AGE"], "keyless"],
    ["dirs", ["NAME", "URL", "BRANCH", "READY", "SUSPENDED", "AGE"], "https://git.example/acme/releases.git"],
  ])("shows what matters of %s", async (short, columns, value) => {
    const table = rows(await inNamespace("get", short));
    expect(table[0]).toEqual(columns);
    expect(table.slice(1).some((row) => row.includes(value))).toBe(true);
  });
});
