import { describe, expect, it } from "vitest";
import { type Proof, proofCommand } from "./publication-report.ts";

const LOCAL: Proof = {
  ...{ release: "demo", repository: ".imgrel/repository.git", registry: ".imgrel/registry" },
  network: { allowPrivate: true, allowHTTP: true },
  policy: ".imgrel/policy.yaml",
};
const REMOTE: Proof = { ...LOCAL, registry: "registry.example/os", network: { allowPrivate: false, allowHTTP: false } };
const HEAD = "npm run imgrel -- verify demo --repo";

describe("the command that proves a release", () => {
  it("names what a state folder holds, as README has it", () => {
    const rest = ".imgrel/repository.git --registry .imgrel/registry --policy .imgrel/policy.yaml";
    expect(proofCommand(LOCAL)).toBe(`${HEAD} ${rest}`);
  });
  it("says how a registry is reached, as far as that is not by itself", () => {
    const start = `${HEAD} .imgrel/repository.git --registry registry.example/os`;
    expect(proofCommand(REMOTE)).toBe(`${start} --policy .imgrel/policy.yaml`);
    const own = { ...REMOTE, registryCa: "my ca.pem", network: LOCAL.network };
    const options = "--registry-ca 'my ca.pem' --allow-http --allow-private";
    expect(proofCommand(own)).toBe(`${start} ${options} --policy .imgrel/policy.yaml`);
  });
  it("clones a repository that is elsewhere, and takes a folder for what it is", () => {
    const elsewhere = { ...REMOTE, repository: "https://git.example/releases.git" };
    const clone = "git clone --bare https://git.example/releases.git demo.git";
    expect(proofCommand(elsewhere)).toContain(`${clone} && ${HEAD} demo.git --registry`);
    expect(proofCommand({ ...REMOTE, repository: "file:///srv/releases.git" })).toContain(
      `${HEAD} /srv/releases.git --registry`,
    );
  });
});
