import { z } from "zod";
import { type InspectedContent, InspectedPartition } from "../../builders/contract/inspection.ts";

/** What a target's image is like inside, as a record tells it. */
export const Layout = z.strictObject({
  /** where the root image lies: `embedded:<path>` or `partition:<PARTUUID>`; null where there is none */
  backing: z.string().nullable(),
  /** of a disk, in order; empty for anything else */
  partitions: z.array(InspectedPartition.omit({ content: true })),
});
export type Layout = z.infer<typeof Layout>;

/** The layout of an image that was inspected; `content` is null for an artifact that is no single image. */
export function layoutOf(content: InspectedContent | null, backing: string | null): Layout {
  if (content?.format === "qcow2") return layoutOf(content.content, backing);
  if (content?.format !== "gpt" && content?.format !== "mbr") return { backing, partitions: [] };
  return { backing, partitions: content.partitions.map(({ content: _content, ...partition }) => partition) };
}
