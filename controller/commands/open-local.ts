import { join, resolve } from "node:path";
import { ReleaseError } from "../domain/errors.ts";
import { LOCAL_PLACES } from "../domain/local-places.ts";
import { localPolicy, OWN_POLICY } from "../domain/policy-file.ts";
import { keepOwnPolicy } from "../reconciler/keep-own-policy.ts";
import type { VerifierFor } from "../reconciler/observe-record.ts";
import { keepPolicy, openRecords, openSigning, openStores } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { shortPath } from "./lock-files.ts";
import { type Imported, type LocalOptions, repositoryChoice, workFolder } from "./prepare-release.ts";
import type { Proof } from "./publication-report.ts";

/** Where the local process publishes, and what opens its key. */
export type PublishOptions = LocalOptions & {
  readonly registry?: string;
  readonly registryCa?: string;
  readonly passphraseFile?: string;
};

/**
 * A folder begins with a dot or a slash, as an absolute path then; anything else is a registry's repository.
 * @throws ReleaseError Usage for a single word, which could be meant as either
 */
export function registryPlace(cwd: string, place: string): string {
  if (/^[./]/.test(place)) return resolve(cwd, place);
  if (/[./:]/.test(place)) return place;
  const remedy = `write ./${place} for a folder, or <host>[:<port>]/<path>`;
  throw new ReleaseError("Usage", `${place} is neither a folder nor the repository of a registry`, remedy);
}

/** Where the local process keeps things, absolute paths. */
export const placesOf = ({ cwd }: CommandContext, options: PublishOptions) => {
  const state = resolve(cwd, options.stateDir);
  return {
    state,
    work: workFolder(state),
    ...(options.registry === undefined ? {} : { registry: registryPlace(cwd, options.registry) }),
    ...(options.registryCa === undefined ? {} : { caFile: resolve(cwd, options.registryCa) }),
    ...(options.passphraseFile === undefined ? {} : { passphraseFile: resolve(cwd, options.passphraseFile) }),
  };
};

/** A folder as people type it: one that nobody takes for a registry's host. */
const typed = (cwd: string, path: string): string => {
  const short = shortPath(cwd, path);
  return /^[./]/.test(short) ? short : `./${short}`;
};

/** How anybody proves what the local process released, without trust in it. */
export function proofOf({ cwd }: CommandContext, options: PublishOptions, imported: Imported): Proof {
  const state = resolve(cwd, options.stateDir);
  const { repository, registry, registryCa } = options;
  return {
    ...{ release: imported.name, network: imported.class.network },
    repository: repository ?? typed(cwd, join(state, LOCAL_PLACES.repository)),
    registry: registry ?? typed(cwd, join(state, LOCAL_PLACES.registry)),
    ...(registryCa === undefined ? {} : { registryCa }),
    policy: typed(cwd, join(state, LOCAL_PLACES.policy)),
  };
}

/**
 * What a class asks for that this version does not do is refused: nothing is left out in silence.
 * @throws ReleaseError SpecInvalid
 */
export function refuseMissing({ class: releaseClass }: Imported): void {
  const asked = [
    ...(releaseClass.notify === undefined ? [] : ["spec.notify"]),
    ...(releaseClass.publish === undefined ? [] : ["spec.publish"]),
    ...(releaseClass.signing.mode === "keyless" ? ["spec.signing.mode: keyless"] : []),
  ];
  if (asked.length === 0) return;
  throw new ReleaseError(
    "SpecInvalid",
    `the class has ${asked.join(", ")}, which the local process does not do yet`,
    "take it out of the class: releases go to the folder that --registry names, signed with a key of their own",
  );
}

/** Everything that a release is published with. The local process's own repository has a policy of its own afterwards. */
export async function openAll(context: CommandContext, options: PublishOptions, imported: Imported) {
  const { state, passphraseFile, registry, caFile } = placesOf(context, options);
  const signing = await openSigning(state, passphraseFile);
  const { verifier } = signing;
  const verifierFor: VerifierFor = () => verifier;
  const stores = await openStores({
    ...{ stateDirectory: state, network: imported.class.network, env: context.env },
    ...(registry === undefined ? {} : { registry }),
    ...(caFile === undefined ? {} : { caFile }),
  });
  const records = await openRecords(repositoryChoice(context, options), imported.source);
  const { gate } = imported.class;
  const policy = await keepPolicy(
    state,
    localPolicy({ ...signing.signer.identity, minBuilds: gate.minBuilds, bootRequired: gate.boot === "Enforce" }),
  );
  // in a repository of others, they say whom to believe
  const isNew = options.repository === undefined && (await keepOwnPolicy(imported.repository, policy.text));
  if (isNew) context.stderr(`committed ${OWN_POLICY} into the repository`);
  return { signing, stores, records, verifierFor, policy };
}

/** What {@link openAll} opens. */
export type Opened = Awaited<ReturnType<typeof openAll>>;
