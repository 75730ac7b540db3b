/** What became of one object: `before` undefined: it is new; `after` undefined: it was deleted. */
export type ObjectChange<T> = {
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
};

/** The objects of one kind as they were last seen, each as far as anyone needs it; by `namespace/name`. */
export type ObjectCache<T> = {
  readonly get: (key: string) => T | undefined;
  readonly values: () => IterableIterator<T>;
  /** whether all objects were read once */
  readonly hasSynced: () => boolean;
};
