import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";

/**
 * Certificates in PEM.
 * @throws ReleaseError InputMissing
 */
export async function readCertificates(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ReleaseError("InputMissing", `cannot read ${path}`, "name a file with certificates in PEM", { cause });
  });
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ReleaseError("InputMissing", `${path} holds no certificate in PEM`, "name a file with certificates in PEM");
}

/**
 * Docker's configuration: `$DOCKER_CONFIG/config.json`, or the user's own. Without one nothing is known of any registry.
 * @throws NodeJS.ErrnoException if it is there and cannot be read
 */
export async function readDockerConfig(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const folder = env["DOCKER_CONFIG"] ?? join(env["HOME"] ?? homedir(), ".docker");
  try {
    return await readFile(join(folder, "config.json"), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "{}";
    throw error;
  }
}
