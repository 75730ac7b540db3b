import type { Inspection } from "../../../builders/contract/inspection.ts";
import { inspectArtifact } from "../../../builders/readers/inspect.ts";
import { ReleaseError } from "../../domain/errors.ts";

/**
 * What the artifact at `path`, an absolute path, holds.
 * @throws ReleaseError NotFound; BuildError as {@link inspectArtifact}
 */
export async function inspectPath(
  path: string,
  options: { readonly files: boolean; readonly signal: AbortSignal },
): Promise<Inspection> {
  try {
    return await inspectArtifact(path, options);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    const remedy = "name an artifact: its folder, or one of its images";
    throw new ReleaseError("NotFound", `${path} does not exist`, remedy, { cause: error });
  }
}
