import { resolve } from "node:path";
import { ReleaseError } from "../domain/errors.ts";
import { localPolicy } from "../domain/policy-file.ts";
import type { VerifierFor } from "../reconciler/observe-record.ts";
import { keepPolicy, openRecords, openSigning, openStores } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { type Imported, type LocalOptions, repositoryChoice, workFolder } from "./prepare-release.ts";

/** Where the local process publishes, and what opens its key. */
export type PublishOptions = LocalOptions & {
  readonly registry?: string;
  readonly registryCa?: string;
  readonly passphraseFile?: string;
};

/** A folder begins with a dot or a slash, as an absolute path then; anything else is a registry's repository. */
const registryPlace = (cwd: string, place: string): string => (/^[./]/.test(place) ? resolve(cwd, place) : place);

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

/** Everything that a release is published with. */
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
  return { signing, stores, records, verifierFor, policy };
}

/** What {@link openAll} opens. */
export type Opened = Awaited<ReturnType<typeof openAll>>;
