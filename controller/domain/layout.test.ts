import { expect, it } from "vitest";
import type { InspectedContent } from "../../builders/contract/inspection.ts";
import { Layout, layoutOf } from "./layout.ts";

const partition = { number: 1, name: "esp", type: "C12A7328", uuid: "u", offset: 1_048_576, sizeBytes: 512 };
const disk: InspectedContent = {
  ...{ format: "gpt", id: "d", bootCode: "grub", faults: [] },
  partitions: [{ ...partition, content: { format: "grub-core" } }],
};

it("has the partitions of a disk, of one inside a qcow2 too, without what is in them", () => {
  const backing = "partition:0b1c2d3e-0000-4000-8000-000000000001";
  expect(layoutOf(disk, backing)).toEqual({ backing, partitions: [partition] });
  const qcow2: InspectedContent = {
    ...{ format: "qcow2", version: 3, clusterBytes: 65_536, virtualSizeBytes: 1, compression: "zstd", content: disk },
  };
  expect(layoutOf(qcow2, backing)).toEqual(layoutOf(disk, backing));
  expect(Layout.parse(layoutOf(disk, backing))).toEqual(layoutOf(disk, backing));
});

it("has none of anything else", () => {
  const backing = "embedded:/powernode/root.erofs";
  expect(layoutOf(null, backing)).toEqual({ backing, partitions: [] });
  expect(layoutOf({ format: "text", text: "quiet" }, null)).toEqual({ backing: null, partitions: [] });
});
