import { isAbsolute, resolve } from "node:path";
import { ReleaseError } from "../domain/errors.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import { openStores } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { registryPlace } from "./open-local.ts";

/** Where artifacts are that are only read, and what may be reached for them. */
export type RegistryOptions = {
  readonly registry?: string;
  readonly registryCa?: string;
  readonly allowHttp?: true;
  readonly allowPrivate?: true;
  readonly offline?: true;
};

/** What says how a registry is reached, of the options that were given. */
const reaching = ({ registryCa, allowHttp, allowPrivate }: RegistryOptions): string[] => [
  ...(registryCa === undefined ? [] : ["--registry-ca"]),
  ...(allowHttp === true ? ["--allow-http"] : []),
  ...(allowPrivate === true ? ["--allow-private"] : []),
];

/**
 * The images that `--registry` names, in an image layout or in a registry as `imgrel run` publishes there; null if it
 * names none. Nothing is reached before something is read.
 * @throws ReleaseError Usage for what does not go together, or is no repository; InputMissing for certificates that
 * cannot be read
 */
export async function openNamedRegistry(
  { cwd, env }: CommandContext,
  options: RegistryOptions,
): Promise<ArtifactStore | null> {
  const { registryCa, allowHttp = false, allowPrivate = false } = options;
  const registry = options.registry === undefined ? null : registryPlace(cwd, options.registry);
  const isRemote = registry !== null && !isAbsolute(registry);
  const [useless] = isRemote ? [] : reaching(options);
  if (useless !== undefined) {
    throw new ReleaseError(
      "Usage",
      `${useless} says how a registry is reached, but no registry is named`,
      `give --registry <host>[:<port>]/<path>, or leave ${useless} out`,
    );
  }
  if (isRemote && options.offline === true) {
    throw new ReleaseError(
      "Usage",
      `--offline allows no network, which the registry ${registry} needs`,
      "leave --offline out, or name a folder, beginning with . or /, that holds a copy as an OCI image layout",
    );
  }
  if (registry === null) return null;
  const { images } = await openStores({
    ...{ stateDirectory: cwd, registry, env, network: { allowPrivate, allowHTTP: allowHttp } },
    ...(registryCa === undefined ? {} : { caFile: resolve(cwd, registryCa) }),
  });
  return images;
}
