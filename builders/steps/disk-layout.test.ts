import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARCHES } from "../contract/variant.ts";
import { diskUuid, MIB, partitionNamed, planDisk } from "./disk-layout.ts";

const rootBytes = fc.integer({ min: 1, max: 2_000_000 }).map((blocks) => blocks * 4096);
const arch = fc.constantFrom(...ARCHES);

describe("planDisk", () => {
  it("leaves no gap, no overlap, and room for both tables", () => {
    fc.assert(
      fc.property(arch, rootBytes, (which, bytes) => {
        const { partitions, sizeMiB } = planDisk("demo/1/x", which, bytes);
        let next = 1;
        for (const { startMiB, sizeMiB: size } of partitions) {
          expect(startMiB).toBe(next);
          expect(size).toBeGreaterThan(0);
          next += size;
        }
        expect(sizeMiB).toBe(next + 1);
      }),
    );
  });
  it("holds the whole root image and less than a MiB more", () => {
    fc.assert(
      fc.property(arch, rootBytes, (which, bytes) => {
        const { sizeMiB } = partitionNamed(planDisk("demo/1/x", which, bytes), "powernode-root");
        expect(sizeMiB * MIB).toBeGreaterThanOrEqual(bytes);
        expect(sizeMiB * MIB - bytes).toBeLessThan(MIB);
      }),
    );
  });
  it("keeps the platform's contract: ESP of 512 MiB, persist last, BIOS boot on amd64 only", () => {
    const names = (which: "amd64" | "arm64") => planDisk("s", which, 4096).partitions.map(({ name }) => name);
    expect(names("amd64")).toEqual(["bios-boot", "esp", "powernode-root", "persist"]);
    expect(names("arm64")).toEqual(["esp", "powernode-root", "persist"]);
    expect(partitionNamed(planDisk("s", "arm64", 4096), "esp").sizeMiB).toBe(512);
    expect(() => partitionNamed(planDisk("s", "arm64", 4096), "bios-boot")).toThrow("no partition bios-boot");
  });
  it("gives every disk and partition a GUID of its own, the same for the same seed", () => {
    const guids = ["a/1/amd64", "a/2/amd64", "b/1/amd64"].flatMap((seed) => {
      const { guid, partitions } = planDisk(seed, "amd64", 4096);
      return [guid, ...partitions.map((one) => one.guid), diskUuid(seed, "persist-fs")];
    });
    expect(new Set(guids).size).toBe(18);
    expect(planDisk("a/1/amd64", "amd64", 8192).guid).toBe(guids[0]);
  });
});
