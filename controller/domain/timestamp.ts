import { z } from "zod";

/** Whether a text of the form `YYYY-MM-DDTHH:MM:SSZ` names a day and time that exist: Date takes 30 February too. */
export function isMoment(iso: string): boolean {
  const milliseconds = Date.parse(iso);
  return !Number.isNaN(milliseconds) && timestamp(new Date(milliseconds)) === iso;
}

/** A moment as statements and records write it: UTC, whole seconds (RFC 3339; in-toto field_types.md, "Timestamp"). */
export const Timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "must be YYYY-MM-DDTHH:MM:SSZ")
  .refine(isMoment, "must be a moment of the calendar");

/** The same as a field of an object in a cluster: the API server knows the format. */
export const Moment = Timestamp.meta({ format: "date-time", maxLength: 20 });

/** A moment in that form; what is less than a second is cut off. */
export const timestamp = (moment: Date): string => `${moment.toISOString().slice(0, 19)}Z`;
