import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

/** What CycloneDX's own JSON schema finds wrong with a document of version 1.6, unknown fields included; null if nothing. */
export const cyclonedxFaults = async (text: string): Promise<unknown> =>
  new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
