import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { exec } from "../../../builders/host/exec.ts";
import { type ApiAccess, ask } from "./api.ts";
import { inNode, printed } from "./cluster.ts";
import { accessFrom } from "./credentials.ts";
import { Namespace, NetworkPolicy, Pod } from "./policy-objects.ts";
import { rulesetOf } from "./policy-rules.ts";

const PAUSE = 300;

/** All objects of a kind; undefined while the API server does not answer. */
async function list<T>(access: ApiAccess, path: string, schema: z.ZodType<T>): Promise<T[] | undefined> {
  const answer = await ask(access, `${path}?resourceVersion=0`);
  if (answer?.status !== 200) return undefined;
  return z.object({ items: z.array(schema) }).parse(JSON.parse(answer.body)).items;
}

/**
 * Enforces NetworkPolicies on the node of the cluster in `folder`, for as long as it lasts. What it last knew stays in
 * force while the API server is away.
 */
async function enforce(folder: string): Promise<never> {
  const access = accessFrom(await readFile(join(folder, "kubeconfig"), "utf8"));
  for (let before = ""; ; await sleep(PAUSE)) {
    const [pods, namespaces, policies] = await Promise.all([
      list(access, "/api/v1/pods", Pod),
      list(access, "/api/v1/namespaces", Namespace),
      list(access, "/apis/networking.k8s.io/v1/networkpolicies", NetworkPolicy),
    ]);
    if (pods === undefined || namespaces === undefined || policies === undefined) continue;
    const rules = rulesetOf({ pods, namespaces, policies });
    if (rules === before) continue;
    printed(await exec({ ...(await inNode(folder, "nft", ["--file", "-"])), input: rules }));
    before = rules;
    process.stdout.write(`${new Date().toISOString()} ${pods.length} pods, ${policies.length} policies\n`);
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: policy-engine.ts FOLDER");
await enforce(folder);
