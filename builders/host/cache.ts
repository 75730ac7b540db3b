import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where content-addressed things outlive one checkout: inputs by SHA-256 and toolchain roots by lock digest.
 * XDG Base Directory: `$XDG_CACHE_HOME/imgrel`, else `~/.cache/imgrel`.
 */
export function cacheRoot(env: Readonly<Record<string, string | undefined>>): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base?.startsWith("/") === true ? base : join(homedir(), ".cache"), "imgrel");
}

/** The file that holds the blob with this SHA-256 (64 hex digits). */
export const blobPath = (cache: string, sha256: string): string => join(cache, "blobs", sha256.slice(0, 2), sha256);
