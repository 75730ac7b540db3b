import type { ClassSpec } from "../../domain/class.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { RegistryAccess } from "../../domain/jobs/publish-job.ts";
import type { RegistryOptions } from "../oci/registry-client.ts";
import type { ObjectData } from "./object-data.ts";

/** How registries of a class are reached. */
export type ClassRegistries = {
  /** for this process: credentials are read when a registry asks for them */
  readonly options: Omit<RegistryOptions, "repository">;
  /** for pods, which have credentials of their own */
  readonly access: RegistryAccess;
};

const missing = (field: string): ReleaseError =>
  new ReleaseError("SpecInvalid", `the class has no ${field}`, "a cluster needs it: see docs/install.md");

/** @throws ReleaseError SpecInvalid */
export function publishOf({ publish }: ClassSpec): NonNullable<ClassSpec["publish"]>["oci"] {
  if (publish === undefined) throw missing("spec.publish");
  return publish.oci;
}

/**
 * How the registries of a class are reached, by the Secret and the ConfigMap that it names.
 * @throws ReleaseError SpecInvalid; InputMissing for a ConfigMap that is not there
 */
export async function classRegistries(
  ofClass: ClassSpec,
  data: ObjectData,
  signal: AbortSignal,
): Promise<ClassRegistries> {
  const { credentialsRef, caRef } = publishOf(ofClass);
  const { network } = ofClass;
  const ca = caRef === undefined ? null : await data.text("ConfigMap", caRef, "ca.crt", signal);
  return {
    options: {
      network,
      credentials: () => data.text("Secret", credentialsRef, ".dockerconfigjson", signal),
      ...(ca === null ? {} : { ca }),
    },
    access: { allowPrivate: network.allowPrivate, allowHTTP: network.allowHTTP, ca },
  };
}

/**
 * The private key that a class signs with, PKCS#8 in PEM, and how messages name it.
 * @throws ReleaseError SpecInvalid if the class signs otherwise; InputMissing if Secret or entry are not there
 */
export async function classKey(
  { signing }: ClassSpec,
  data: ObjectData,
  signal: AbortSignal,
): Promise<{ readonly pem: string; readonly where: string }> {
  if (signing.mode !== "key" || signing.keyRef === undefined) throw missing("spec.signing.keyRef");
  const { keyRef } = signing;
  const pem = await data.text("Secret", keyRef, "cosign.key", signal);
  return { pem, where: `the entry ${keyRef.key ?? "cosign.key"} of the Secret ${keyRef.name}` };
}
