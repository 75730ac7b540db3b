import { z } from "zod";

/**
 * What a step tells the outside, one JSON object per line across the process boundary. Times are seconds,
 * sizes bytes. `step` is short and stable ("root", "initramfs"); steps that run side by side have different names.
 */
export const ProgressEvent = z.discriminatedUnion("event", [
  z.strictObject({ event: z.literal("started"), step: z.string(), text: z.string().optional() }),
  /** the current action of a running step; `done` and `total` count `unit`s where a bar makes sense */
  z.strictObject({
    event: z.literal("action"),
    step: z.string(),
    text: z.string(),
    done: z.number().optional(),
    total: z.number().optional(),
    unit: z.enum(["bytes", "items"]).optional(),
  }),
  z.strictObject({
    event: z.literal("finished"),
    step: z.string(),
    text: z.string().optional(),
    wallSeconds: z.number().nonnegative(),
    userSeconds: z.number().nonnegative(),
    systemSeconds: z.number().nonnegative(),
    /** size of what the step made */
    bytes: z.number().nonnegative().optional(),
  }),
  z.strictObject({ event: z.literal("failed"), step: z.string(), text: z.string() }),
]);
export type ProgressEvent = z.infer<typeof ProgressEvent>;

/** Where a step reports to; never throws, never waits. */
export type Report = (event: ProgressEvent) => void;
