import { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";

/** `config.json` of Docker, the form of a Secret of type kubernetes.io/dockerconfigjson. */
const DockerConfig = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().exactOptional(),
        username: z.string().exactOptional(),
        password: z.string().exactOptional(),
      }),
    )
    .default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
});

const unusable = (message: string): ReleaseError =>
  new ReleaseError("Unauthorized", message, 'write {"auths": {"<registry>": {"auth": "<base64 of user:password>"}}}');

/** `https://registry.example/v2/` and `registry.example` are the same registry. */
const plainKey = (key: string): string => key.replace(/^https?:\/\//, "").replace(/(\/v[12])?\/*$/, "");

/** The key that fits best: the repository's own path, its parents', then the registry's. */
function bestKey(keys: readonly string[], registry: string, path: string): string | undefined {
  const segments = path.split("/");
  for (let length = segments.length; length >= 0; length -= 1) {
    const wanted = [registry, ...segments.slice(0, length)].join("/");
    const found = keys.find((key) => plainKey(key) === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * User and password for a repository, joined by a colon; undefined if the file has none for it. Messages never repeat a
 * value of the file.
 * @throws ReleaseError Unauthorized if the file is no Docker configuration, or has them elsewhere
 */
export function credentialsFor(text: string, registry: string, path: string): string | undefined {
  let config: z.infer<typeof DockerConfig>;
  try {
    config = DockerConfig.parse(JSON.parse(text));
  } catch {
    throw unusable("the registry's credentials are no Docker configuration"); // the cause could quote them
  }
  const key = bestKey(Object.keys(config.auths), registry, path);
  const entry = key === undefined ? undefined : config.auths[key];
  const helper = bestKey(Object.keys(config.credHelpers), registry, path);
  if (entry === undefined && helper === undefined) return undefined;
  const { auth, username, password } = entry ?? {};
  if (username !== undefined && password !== undefined) return `${username}:${password}`;
  const decoded = Buffer.from(auth ?? "", "base64")
    .toString("utf8")
    .replace(/\0+$/, "");
  if (decoded.includes(":")) return decoded;
  const helped = "a credential helper seems to have them, which imgrel does not run";
  throw unusable(`the credentials for ${registry} hold no user and password; ${helped}`);
}
