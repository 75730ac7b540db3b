import { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ApiClient } from "./api-client.ts";
import { freshAnswers } from "./fresh-answers.ts";
import type { Resource } from "./resource.ts";

export const SECRETS: Resource = { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true };
const CONFIG_MAPS: Resource = { ...SECRETS, plural: "configmaps", kind: "ConfigMap" };

const Data = z.looseObject({ data: z.record(z.string(), z.string()).nullish() });

/** Names an entry of a Secret or ConfigMap. */
export type DataRef = { readonly name: string; readonly key?: string | undefined };

/**
 * Reads entries of Secrets and ConfigMaps of one namespace when they are asked for, but none twice in ten seconds, since
 * a thousand releases may be worked on at once. Neither kind is listed or watched.
 */
export type ObjectData = {
  /**
   * Entries of a Secret by key; those that it does not have are left out. Never put into a log or a message.
   * @throws ReleaseError InputMissing if there is no such Secret; Unauthorized if it may not be read
   */
  readonly secret: (name: string, signal: AbortSignal) => Promise<ReadonlyMap<string, string>>;
  /**
   * The entry of a Secret or ConfigMap that a document names, `key` where it names none, as text.
   * @throws ReleaseError InputMissing if object or entry are not there
   */
  readonly text: (kind: "Secret" | "ConfigMap", ref: DataRef, key: string, signal: AbortSignal) => Promise<string>;
};

/** Milliseconds for which what was read is taken for true. */
const FRESH = 10_000;

/** @see ObjectData */
export function objectData(
  client: Pick<ApiClient, "get">,
  namespace: string,
  clock: Pick<Clock, "monotonic">,
): ObjectData {
  const fresh = freshAnswers<ReadonlyMap<string, string>>(clock, FRESH);
  const missing = (what: string): ReleaseError =>
    new ReleaseError("InputMissing", `${what} is not there`, `make it in the namespace ${namespace}`);

  const read = async (resource: Resource, name: string, signal: AbortSignal) => {
    const object = await client.get({ resource, namespace, name }, signal);
    if (object === undefined) throw missing(`the ${resource.kind} ${name}`);
    const decode = (text: string) => (resource === SECRETS ? Buffer.from(text, "base64").toString("utf8") : text);
    const { data } = Data.parse(object);
    return new Map(Object.entries(data ?? {}).map(([key, text]) => [key, decode(text)]));
  };

  const entries = (resource: Resource, name: string, signal: AbortSignal) =>
    fresh(`${resource.kind} ${name}`, signal, (limit) => read(resource, name, limit));

  return {
    secret: (name, signal) => entries(SECRETS, name, signal),
    text: async (kind, { name, key: named }, key, signal) => {
      const found = (await entries(kind === "Secret" ? SECRETS : CONFIG_MAPS, name, signal)).get(named ?? key);
      if (found === undefined) throw missing(`the entry ${named ?? key} of the ${kind} ${name}`);
      return found;
    },
  };
}
