import type { Statement } from "../domain/statement.ts";
import { type EncodedBundle, encodeBundle } from "../domain/publication.ts";
import type { Signer } from "../ports/signer.ts";

/**
 * Statements that several targets have in common, such as an arch's bill of materials: each is signed once. Targets have
 * the very same object in common; what only reads the same is another statement.
 */
export type SignedOnce = {
  /** the statement's bundle; signs it unless it was signed, or somebody is just doing so */
  readonly sign: (statement: Statement, signal: AbortSignal) => Promise<EncodedBundle>;
  /** a bundle of our own that was found stored: it is taken from now on */
  readonly remember: (statement: Statement, bundle: EncodedBundle) => void;
};

/** @see SignedOnce */
export function signedOnce(signer: Pick<Signer, "signStatement">): SignedOnce {
  const bundles = new Map<Statement, Promise<EncodedBundle>>();
  return {
    sign: (statement, signal) => {
      const known = bundles.get(statement);
      if (known !== undefined) return known;
      const made = signer.signStatement(statement, signal).then(encodeBundle);
      bundles.set(statement, made);
      made.catch(() => bundles.delete(statement)); // whoever comes next tries again
      return made;
    },
    remember: (statement, bundle) => {
      if (!bundles.has(statement)) bundles.set(statement, Promise.resolve(bundle));
    },
  };
}
