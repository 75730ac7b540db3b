import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { fakeRegistry } from "../fakes/artifact-store.ts";
import { type RegistryServerOptions, startRegistryServer } from "../fakes/registry-server.ts";
import { artifactStoreContract } from "./artifact-store-contract.ts";

let folder = "";
let count = 0;
const servers: AsyncDisposable[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  for (const server of servers) await server[Symbol.asyncDispose]();
});

artifactStoreContract("the fake", async () => {
  const open = fakeRegistry();
  return { store: open("registry.example/images").store, sibling: open("registry.example/staging").store };
});

// one folder is one registry: what one repository has, the other has
artifactStoreContract("an image layout", async () => {
  count += 1;
  const open = (name: string) => openLayout({ directory: join(folder, `${count}`), name });
  return { store: open("layout/images"), sibling: open("layout/staging") };
});

const onServer = (options: RegistryServerOptions) => async () => {
  const server = await startRegistryServer(options);
  servers.push(server);
  const auth = { [server.host]: { auth: Buffer.from(options.auth?.pair ?? "").toString("base64") } };
  const open = (path: string) =>
    openRegistry({
      repository: `${server.host}/${path}`,
      network: { allowPrivate: true, allowHTTP: true },
      pace: { pauses: [1, 1, 1] },
      ...(options.auth === undefined ? {} : { credentials: async () => JSON.stringify({ auths: auth }) }),
    });
  return { store: open("powernode/images"), sibling: open("powernode/staging") };
};

artifactStoreContract("a registry without referrers API", onServer({}));
artifactStoreContract(
  "a registry with referrers API and passwords",
  onServer({ referrersPage: 3, auth: { kind: "basic", pair: "user:pass:word" } }),
);
artifactStoreContract(
  "a registry with tokens",
  onServer({ referrersPage: 100, auth: { kind: "bearer", pair: "user:pass" } }),
);
