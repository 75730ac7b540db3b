/** Writes the status of objects of the cluster, and nothing else of them. */
export type StatusWriter<Object, Status> = {
  /**
   * Makes the object's status this one: what was there before is gone. An object that is gone is no error.
   * @throws ReleaseError of the cluster
   */
  readonly write: (of: Object, status: Status, signal: AbortSignal) => Promise<void>;
};
