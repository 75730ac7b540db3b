import type { Statement } from "../domain/statement.ts";
import { statementDigest } from "../domain/statement.ts";
import type { Signer } from "../ports/signer.ts";

/** Statements that several targets have in common, such as an arch's bill of materials: each is signed once. */
export type SignedOnce = {
  /** the statement's bundle; signs it unless it was signed, or somebody is just doing so */
  readonly sign: Signer["signStatement"];
  /** a bundle of our own that was found stored: it is taken from now on */
  readonly remember: (statement: Statement, bundle: string) => void;
};

/** @see SignedOnce */
export function signedOnce(signer: Pick<Signer, "signStatement">): SignedOnce {
  const bundles = new Map<string, Promise<string>>();
  return {
    sign: (statement, signal) => {
      const digest = statementDigest(statement);
      const known = bundles.get(digest);
      if (known !== undefined) return known;
      const made = signer.signStatement(statement, signal);
      bundles.set(digest, made);
      made.catch(() => bundles.delete(digest)); // whoever comes next tries again
      return made;
    },
    remember: (statement, bundle) => {
      const digest = statementDigest(statement);
      if (!bundles.has(digest)) bundles.set(digest, Promise.resolve(bundle));
    },
  };
}
