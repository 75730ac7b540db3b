import { describe, expect, it } from "vitest";
import { clusterSource } from "../../../test/fakes/cluster-objects.ts";
import { recordedLogger } from "../../../test/fakes/recorded-logger.ts";
import { createVirtualTime } from "../../../test/fakes/virtual-time.ts";
import type { ClusterSource } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { sourceNudges } from "./source-nudges.ts";

const withHook = clusterSource("releases", { nudge: { secretRef: { name: "git-webhook", key: "hmac" } } });

function world(first = withHook) {
  let source = first;
  const time = createVirtualTime();
  const { log, records } = recordedLogger();
  const asked: unknown[] = [];
  const woken: { readonly key: string; readonly at: number }[] = [];
  let secret: string | Error = "s3cret";
  const hooks = sourceNudges({
    sources: { get: (key) => (key === "imgrel-system/releases" ? source : undefined) },
    namespace: "imgrel-system",
    secret: async (ref) => {
      asked.push(ref);
      if (secret instanceof Error) throw secret;
      return secret;
    },
    wake: (key) => woken.push({ key, at: time.now() }),
    clock: time.clock(),
    log,
  });
  return {
    ...{ hooks, time, asked, woken, records },
    change: (next: ClusterSource) => (source = next),
    setSecret: (next: string | Error) => (secret = next),
  };
}

describe("the key of a webhook", () => {
  it("is the Secret's that the source names, read once in 30 seconds", async () => {
    const { hooks, asked, time, setSecret } = world();
    expect(await hooks.keyOf("releases")).toBe("s3cret");
    setSecret("another");
    await time.pass(29_999);
    expect(await hooks.keyOf("releases")).toBe("s3cret");
    await time.pass(1);
    expect(await hooks.keyOf("releases")).toBe("another");
    const ref = { name: "git-webhook", key: "hmac" };
    expect(asked).toEqual([ref, ref]);
  });
  it("is read anew when the source changed", async () => {
    const { hooks, asked, change } = world();
    await hooks.keyOf("releases");
    change({ ...withHook, generation: 2 });
    await hooks.keyOf("releases");
    expect(asked).toHaveLength(2);
  });
  it("does not exist for a source that has no webhook, or is gone", async () => {
    expect(await world(clusterSource()).hooks.keyOf("releases")).toBeNull();
    expect(await world({ ...withHook, deleted: true }).hooks.keyOf("releases")).toBeNull();
    const { hooks, asked } = world();
    expect(await hooks.keyOf("other")).toBeNull();
    expect(asked).toEqual([]);
  });
  it("that cannot be read or used is told once, and asked for no more often", async () => {
    for (const bad of [new ReleaseError("InputMissing", "the Secret git-webhook is not there", ""), "", "s3cret\n"]) {
      const { hooks, asked, records, setSecret } = world();
      setSecret(bad);
      for (let tries = 0; tries < 3; tries += 1) {
        await expect(hooks.keyOf("releases")).rejects.toThrow(/the Secret git-webhook /);
      }
      expect([asked.length, records.length, records[0]?.level]).toEqual([1, 1, "warn"]);
    }
  });
});

it("nudges wake the source at once, then no more often than every 5 seconds", async () => {
  const { hooks, time, woken } = world();
  for (let tries = 0; tries < 10; tries += 1) {
    hooks.nudged("releases");
    await time.pass(100);
  }
  await time.pass(60_000);
  hooks.nudged("releases");
  await time.pass(1);
  expect(woken).toEqual([0, 5000, 61_000].map((at) => ({ key: "imgrel-system/releases", at })));
});
