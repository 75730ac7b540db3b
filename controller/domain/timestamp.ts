import { z } from "zod";

/** A moment as statements and records write it: UTC, whole seconds (RFC 3339; in-toto field_types.md, "Timestamp"). */
export const Timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "must be YYYY-MM-DDTHH:MM:SSZ")
  .refine((text) => !Number.isNaN(Date.parse(text)), "must be a moment of the calendar");

/** A moment in that form; what is less than a second is cut off. */
export const timestamp = (moment: Date): string => `${moment.toISOString().slice(0, 19)}Z`;
