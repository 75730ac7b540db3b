/** What is known of a commit's signature. `why`: a clause about "it", such as "it is not signed". */
export type CommitSignature =
  | {
      readonly good: true;
      /** who signed, as the allowed signers name them */
      readonly principal: string;
      /** the key's fingerprint as OpenSSH writes it, `SHA256:<base64>` */
      readonly fingerprint: string;
    }
  | { readonly good: false; readonly why: string };

/** Says who wrote a commit. It proves attribution only: trust in a release comes from its bundles (trust.md 2.1). */
export type CommitVerifier = {
  /**
   * Who signed a commit of the repository, according to `allowedSigners`, the text of an allowed_signers file
   * (ssh-keygen(1), "ALLOWED SIGNERS"). Validity times in it are held against the commit's own date, which its signer
   * chose.
   * @throws ReleaseError NotFound if the repository has no such commit; ToolMissing; RepositoryUnusable
   */
  readonly signatureOf: (commit: string, allowedSigners: string) => Promise<CommitSignature>;
};
