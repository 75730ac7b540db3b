import { setTimeout as sleep } from "node:timers/promises";
import { ReleaseError } from "../../domain/errors.ts";
import { ADDRESS_REFUSED } from "../address-guard.ts";
import { distrustsCertificate, errorCode, speaksNoTls } from "../error-code.ts";

/** How patient calls are; times in milliseconds. */
export type Pace = {
  /** before the second and each later try; the number of tries is one more */
  readonly pauses: readonly number[];
  /** the longest wait that a server may ask for */
  readonly longestWait: number;
  readonly idle: number;
  readonly answer: number;
};

export const PACE: Pace = { pauses: [500, 2000, 8000], longestWait: 60_000, idle: 60_000, answer: 600_000 };

/** What a try came to. `again`: another one may be better; `after`: the server's own wish, in milliseconds. */
export type Attempt<T> = { readonly kind: "done"; readonly value: T } | Again;
export type Again = { readonly kind: "again"; readonly reason: string; readonly after?: number };

/**
 * What a failed connection means: worth another try, or never. An error that is about no connection is thrown on.
 * @throws ReleaseError RegistryRefused; the error itself
 */
export function connectionFault(what: string, error: unknown): Again {
  const code = errorCode(error);
  if (error instanceof ReleaseError || code === "" || !(error instanceof Error)) throw error;
  const reason = error.message === "" ? code : error.message; // several addresses of one host: no words, only a code
  if (distrustsCertificate(error)) {
    const remedy =
      "if the registry has a certificate of its own authority, name that: the class's caRef, or --registry-ca";
    throw new ReleaseError("RegistryRefused", `${what}: its certificate is not trusted: ${reason}`, remedy, {
      cause: error,
    });
  }
  if (speaksNoTls(error)) {
    const remedy = "if plain http is meant, allow it: network.allowHTTP of the class, or --allow-http of imgrel verify";
    throw new ReleaseError("RegistryRefused", `${what}: it does not speak TLS`, remedy, { cause: error });
  }
  if (code === ADDRESS_REFUSED) {
    const remedy = "if that is meant, allow it: network.allowPrivate of the class, or --allow-private of imgrel verify";
    throw new ReleaseError("RegistryRefused", `${what}: ${reason}`, remedy, { cause: error });
  }
  return { kind: "again", reason };
}

/**
 * Tries until something is done, a few times at most.
 * @throws ReleaseError RegistryUnavailable with the last reason, and the wait that the server asks for; what an attempt
 * throws; the signal's reason
 */
export async function retrying<T>(
  what: string,
  pace: Pace,
  signal: AbortSignal,
  attempt: () => Promise<Attempt<T>>,
): Promise<T> {
  for (let nth = 0; ; nth += 1) {
    signal.throwIfAborted();
    const outcome = await attempt().catch((error: unknown) => {
      signal.throwIfAborted();
      return connectionFault(what, error);
    });
    if (outcome.kind === "done") return outcome.value;
    const pause = pace.pauses[nth];
    const { reason, after = 0 } = outcome;
    if (pause === undefined || after > pace.longestWait) {
      const remedy =
        after > 0
          ? `wait ${Math.ceil(after / 1000)} s, as it asks`
          : "see whether the registry runs and can be reached";
      const asked = after > 0 ? { retryAfter: after } : {};
      throw new ReleaseError("RegistryUnavailable", `${what}: ${reason}`, remedy, asked);
    }
    await sleep(Math.max(after, pause * (0.75 + Math.random() / 2)), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    );
  }
}
