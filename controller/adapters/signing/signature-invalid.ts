import type { ZodError } from "zod";
import { ReleaseError } from "../../domain/errors.ts";

const REMEDY = "fetch it again from where the release was published; if it stays so, do not trust what it is about";

/** A bundle that proves nothing, and why. */
export const signatureInvalid = (
  why: string,
  { remedy = REMEDY, ...options }: ErrorOptions & { readonly remedy?: string } = {},
): ReleaseError => new ReleaseError("SignatureInvalid", why, remedy, options);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first thing that a schema found wrong, with its place. */
export function firstIssue({ issues: [issue] }: ZodError): string {
  const place = issue?.path.join(".") ?? "";
  return `${place === "" ? "" : `${place}: `}${issue?.message}`;
}
