import { ReleaseError } from "../../domain/errors.ts";
import type { HttpReply } from "../http-exchange.ts";
import { readFailure } from "./reply-body.ts";
import { retryAfter } from "../retry-after.ts";
import type { Again } from "./retrying.ts";

/** An answer that no retry changes. */
export const refusal = (what: string, text: string): ReleaseError =>
  new ReleaseError("RegistryRefused", `${what}: ${text}`, "read what the registry says, and its own log");

/**
 * What an answer of another status than expected means; reads its body. `what`: the call, for messages.
 * @throws ReleaseError Unauthorized (401, 403), RegistryRefused (what no retry changes)
 */
export async function judgeReply(what: string, reply: HttpReply): Promise<Again> {
  const { text } = await readFailure(reply);
  const { status, headers } = reply;
  if (status === 401 || status === 403) {
    const remedy = "check the user, password and rights: the class's credentialsRef, or Docker's config.json";
    throw new ReleaseError("Unauthorized", `${what}: ${text}`, remedy);
  }
  if (status === 408 || status === 429 || status >= 500) {
    const after = retryAfter(headers["retry-after"], Date.now());
    return { kind: "again", reason: text, ...(after === undefined ? {} : { after }) };
  }
  throw refusal(what, text);
}
