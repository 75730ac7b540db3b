import { PackageURL } from "packageurl-js";

/** A package URL as the reference implementation reads it. */
export function readPurl(text: string) {
  const { type, namespace, name, version, qualifiers } = PackageURL.fromString(text);
  return { type, namespace, name, version, qualifiers: { ...qualifiers } };
}
