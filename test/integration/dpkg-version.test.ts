import fc from "fast-check";
import { expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { compareDpkgVersions } from "../../controller/domain/dpkg-version.ts";
import { dpkgVersion as version } from "../fakes/dpkg-version.ts";

it("the order of versions agrees with dpkg", async () => {
  await fc.assert(
    fc.asyncProperty(version, version, async (a, b) => {
      const ask = async (relation: string) =>
        (await exec({ program: "dpkg", args: ["--compare-versions", a, relation, b] })).exitCode === 0;
      const mine = compareDpkgVersions(a, b);
      expect(await ask("lt"), `${a} lt ${b}`).toBe(mine < 0);
      expect(await ask("eq"), `${a} eq ${b}`).toBe(mine === 0);
    }),
    { numRuns: 150 },
  );
});
