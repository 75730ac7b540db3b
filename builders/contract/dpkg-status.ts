import { z } from "zod";

/** A package that dpkg has installed and configured, in dpkg's words. */
export const InstalledPackage = z.strictObject({ name: z.string(), version: z.string(), arch: z.string() });
export type InstalledPackage = z.infer<typeof InstalledPackage>;

const FIELDS = ["Package", "Status", "Version", "Architecture"] as const;
const PATTERNS = FIELDS.map((field) => new RegExp(`^${field}: (.+)$`, "m"));

/**
 * What is installed by dpkg's status file (deb822(5); states: dpkg-query(1)), in the file's order. A package that is
 * only half there, or was removed and left its configuration, is not. Null if the text is no such file.
 */
export function installedPackages(text: string): InstalledPackage[] | null {
  const packages: InstalledPackage[] = [];
  const stanzas = text.split(/\n\n+/).filter((stanza) => stanza.trim() !== "");
  for (const stanza of stanzas) {
    const [name, status, version, arch] = PATTERNS.map((pattern) => pattern.exec(stanza)?.[1]);
    if (name === undefined || status === undefined) return null;
    if (!status.endsWith(" installed")) continue;
    if (version === undefined || arch === undefined) return null;
    packages.push({ name, version, arch });
  }
  return stanzas.length === 0 ? null : packages;
}
