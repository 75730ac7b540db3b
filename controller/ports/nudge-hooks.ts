/** What a server of webhooks asks and tells (release-api.md 1.1). */
export type NudgeHooks = {
  /**
   * The HMAC key of a source's webhook; null: there is no such source, or it has no webhook.
   * @throws whatever stands in the way of reading it
   */
  readonly keyOf: (source: string) => Promise<string | null>;
  /** somebody who knows the key asks to look at the source now */
  readonly nudged: (source: string) => void;
};
