import { type Perturbation, PERTURB_VARIABLE, readPerturbation } from "../../builders/contract/perturbation.ts";
import { ReleaseError } from "./errors.ts";

/**
 * Which run a test wants made wrong on purpose; null outside tests.
 * @throws ReleaseError Usage if the environment asks for it by accident or in unknown words
 */
export function perturbationOf(env: Readonly<Record<string, string | undefined>>): Perturbation | null {
  try {
    return readPerturbation(env);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ReleaseError("Usage", error.message, `unset ${PERTURB_VARIABLE}: it is for imgrel's own tests`, {
      cause: error,
    });
  }
}
