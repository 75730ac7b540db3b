import { describe, expect, it } from "vitest";
import { clusterClass, clusterRelease, clusterSource } from "../../test/fakes/cluster-objects.ts";
import { admission } from "./admission.ts";

const { publish } = clusterClass().spec;
const URL = "https://forge.example";
const of = (over: object = {}) => admission(clusterRelease(), clusterSource(), clusterClass("local", over));
const refusal = (over: object): string => {
  const judged = of(over);
  return judged.admitted ? "admitted" : `${judged.condition.reason}: ${judged.condition.message}`;
};

describe("a class in a cluster", () => {
  it("admits releases if it says all that a cluster needs", () => {
    expect(of()).toMatchObject({ admitted: true, class: { name: "local" } });
  });
  it.each([
    ["without Jobs", { build: {} }, "it lacks spec.build.namespace, spec.build.serviceAccountName"],
    ["without a registry", { publish: undefined }, "it lacks spec.publish"],
    ["without a key", { signing: { mode: "key" } }, "it lacks spec.signing.keyRef"],
    ["with a platform to tell", { notify: { url: URL, secretRef: { name: "hmac" } } }, "asks for spec.notify"],
    [
      "with a forge to publish to",
      {
        publish: {
          ...publish,
          forge: { kind: "gitea", url: URL, owner: "a", repo: "b", tokenRef: { name: "token" } },
        },
      },
      "asks for spec.publish.forge",
    ],
    [
      "that signs keyless",
      {
        signing: {
          ...{ mode: "keyless", fulcioURL: URL, issuer: URL, identityTokenAudience: "sigstore" },
          trustedRootRef: { name: "root" },
        },
      },
      "asks for spec.signing.mode: keyless",
    ],
  ])("%s refuses them", (_, over, message) => {
    expect(refusal(over)).toMatch(/^ClassNotAllowed: the class local /);
    expect(refusal(over)).toContain(message);
  });
});
