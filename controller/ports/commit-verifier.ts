/** What is known of a commit's signature. `principal`: its signer's name in the allowed_signers file. */
export type CommitSignature =
  | { readonly good: true; readonly principal: string; readonly fingerprint: string }
  | { readonly good: false; readonly why: string };
