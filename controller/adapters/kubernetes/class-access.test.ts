import { describe, expect, it } from "vitest";
import { clusterClass } from "../../../test/fakes/cluster-objects.ts";
import { classKey, classRegistries, publishOf } from "./class-access.ts";
import type { ObjectData } from "./object-data.ts";

const never = new AbortController().signal;
/** Says what it was asked for. */
const data: ObjectData = {
  secret: async () => new Map(),
  text: async (kind, { name, key }, fallback) => `${kind} ${name} ${key ?? fallback}`,
};
const spec = (over: object = {}) => clusterClass("stable", over).spec;

describe("what a class refers to", () => {
  it("is read for registries when they ask for it", async () => {
    const { options, access } = await classRegistries(spec(), data, never);
    expect(await options.credentials?.()).toBe("Secret registry .dockerconfigjson");
    expect(options.network).toMatchObject({ allowPrivate: false, allowHTTP: false });
    expect([options.ca, access]).toEqual([undefined, { allowPrivate: false, allowHTTP: false, ca: null }]);
  });
  it("gives pods and this process the same certificates", async () => {
    const oci = { ...publishOf(spec()), caRef: { name: "registry-ca" } };
    const { options, access } = await classRegistries(spec({ publish: { oci } }), data, never);
    expect([options.ca, access.ca]).toEqual(["ConfigMap registry-ca ca.crt", "ConfigMap registry-ca ca.crt"]);
  });
  it("names the key that it signs with", async () => {
    expect(await classKey(spec(), data, never)).toEqual({
      pem: "Secret signing-key cosign.key",
      where: "the entry cosign.key of the Secret signing-key",
    });
    const named = spec({ signing: { mode: "key", keyRef: { name: "keys", key: "a.pem" } } });
    expect((await classKey(named, data, never)).where).toBe("the entry a.pem of the Secret keys");
  });
  it("is refused where a cluster cannot do without", async () => {
    const { publish: _, ...local } = spec();
    expect(() => publishOf(local)).toThrow("spec.publish");
    await expect(classKey(spec({ signing: { mode: "key" } }), data, never)).rejects.toMatchObject({
      code: "SpecInvalid",
      message: expect.stringContaining("spec.signing.keyRef") as string,
    });
  });
});
