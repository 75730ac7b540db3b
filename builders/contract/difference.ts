import { z } from "zod";
import { Location } from "./location.ts";

/** One thing that is not the same in two artifacts, as near to its cause as their formats tell. */
export const Finding = z.strictObject({
  /** from outside to inside */
  trail: z.array(Location),
  /** what of the last step differs: `data`, or a field such as `mtime` or `mode`, or `presence` */
  aspect: z.string().min(1),
  /** the field's value on both sides, as people read it; null where a side has none, and for data */
  values: z.tuple([z.string().nullable(), z.string().nullable()]),
});
export type Finding = z.infer<typeof Finding>;

/** Two versions of one artifact, compared to the byte. The first version is the lower run's. */
export const ArtifactDifference = z.strictObject({
  sizes: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
  firstOffset: z.int().nonnegative(),
  differingBytes: z.int().positive(),
  /** the first ranges of differing bytes, in order; `rangeCount` counts those that are not listed too */
  ranges: z.array(z.strictObject({ offset: z.int().nonnegative(), length: z.int().positive() })),
  rangeCount: z.int().positive(),
  /** where the first differing byte lies, from outside to inside, in the first version */
  firstByte: z.array(Location),
  findings: z.array(Finding),
  /** what was left out or could not be read, as sentences */
  notes: z.array(z.string()),
});
export type ArtifactDifference = z.infer<typeof ArtifactDifference>;
