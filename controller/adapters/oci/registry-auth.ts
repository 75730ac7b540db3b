import { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";
import { parseChallenges } from "./challenge.ts";
import { credentialsFor } from "./docker-config.ts";
import type { HttpReply } from "../http-exchange.ts";

/** Seconds that a token is valid if its server says nothing (distribution, token authentication). */
const TOKEN_SECONDS = 60;
/** A token that ends sooner than this, in milliseconds, is not used any more. */
const MARGIN = 10_000;

const TokenAnswer = z.object({
  token: z.string().exactOptional(),
  access_token: z.string().exactOptional(),
  expires_in: z.number().positive().exactOptional(),
});

export type AuthOptions = {
  /** `<host>[:<port>]` */
  readonly registry: string;
  /** path of the repository there */
  readonly path: string;
  /** text of a Docker configuration, read anew whenever credentials are needed */
  readonly credentials?: () => Promise<string>;
  /** a JSON document of at most 1 MiB from a URL, asked for with these headers */
  readonly getJson: (url: URL, headers: Record<string, string>, signal: AbortSignal) => Promise<unknown>;
};

/** Answers the registry's challenges; nothing that it knows is ever put into a message. */
export type RegistryAuth = {
  /** the Authorization header that calls of this scope need as far as is known */
  readonly header: (scope: readonly string[]) => Promise<string | undefined>;
  /**
   * The header for a call that was answered by 401 when it was sent with `refused`.
   * @throws ReleaseError Unauthorized if there is none
   */
  readonly answer: (
    reply: HttpReply,
    scope: readonly string[],
    refused: string | undefined,
    signal: AbortSignal,
  ) => Promise<string>;
};

type Token = { readonly header: string; readonly until: number };

const isFresh = (token: Token): boolean => Date.now() < token.until - MARGIN;

/** Authentication by password, or by tokens that a password or nothing buys, each kept for its scope until it ends. */
export function openAuth(options: AuthOptions): RegistryAuth {
  const tokens = new Map<string, Promise<Token>>();
  let basic: string | undefined;

  const unauthorized = (why: string): ReleaseError =>
    new ReleaseError(
      "Unauthorized",
      `${options.registry}/${options.path}: ${why}`,
      "check the user, password and rights: the class's credentialsRef, or Docker's config.json",
    );

  async function password(): Promise<string | undefined> {
    const pair = credentialsFor((await options.credentials?.()) ?? "{}", options.registry, options.path);
    return pair === undefined ? undefined : `Basic ${Buffer.from(pair).toString("base64")}`;
  }

  async function buyToken(parameters: ReadonlyMap<string, string>, scope: readonly string[], signal: AbortSignal) {
    const realm = parameters.get("realm") ?? "";
    if (!URL.canParse(realm)) throw unauthorized("it names no server for tokens");
    const url = new URL(realm);
    const service = parameters.get("service");
    if (service !== undefined) url.searchParams.set("service", service);
    for (const one of scope) url.searchParams.append("scope", one);
    const authorization = await password();
    const headers = authorization === undefined ? {} : { authorization };
    const parsed = TokenAnswer.safeParse(await options.getJson(url, { ...headers }, signal));
    const token = parsed.data?.token ?? parsed.data?.access_token;
    if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) throw unauthorized("its server for tokens gave none");
    const seconds = parsed.data?.expires_in ?? TOKEN_SECONDS;
    return { header: `Bearer ${token}`, until: Date.now() + seconds * 1000 };
  }

  /** One purchase at a time for a scope: calls that run side by side share it. */
  async function tokenFor(
    parameters: ReadonlyMap<string, string>,
    scope: readonly string[],
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<Token> {
    const key = scope.join(" ");
    const present = await tokens.get(key)?.catch(() => undefined);
    if (present !== undefined && present.header !== refused && isFresh(present)) return present;
    const bought = buyToken(parameters, scope, signal);
    tokens.set(key, bought);
    bought.catch(() => tokens.delete(key));
    return bought;
  }

  return {
    header: async (scope) => {
      if (basic !== undefined) return basic;
      const token = await tokens.get(scope.join(" "))?.catch(() => undefined);
      return token !== undefined && isFresh(token) ? token.header : undefined;
    },
    answer: async (reply, scope, refused, signal) => {
      const challenges = parseChallenges(reply.headers["www-authenticate"] ?? "");
      const bearer = challenges.find(({ scheme }) => scheme === "bearer");
      if (bearer !== undefined) return (await tokenFor(bearer.parameters, scope, refused, signal)).header;
      if (!challenges.some(({ scheme }) => scheme === "basic"))
        throw unauthorized("it offers no way to authenticate that imgrel knows");
      basic = await password();
      if (basic === undefined) throw unauthorized("it wants a password, and the credentials have none for it");
      return basic;
    },
  };
}
