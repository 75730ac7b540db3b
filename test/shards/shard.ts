/** A group of system tests that runs, passes and is cached as one. */
export type Shard = {
  /** kebab-case; also names the file of its last result */
  readonly name: string;
  /** test files, relative to the project */
  readonly files: readonly string[];
  /** globs of the sources whose change calls for a new run, relative to the project */
  readonly covers: readonly string[];
  /** seconds, measured on 2 processors with warm caches; a measurement of this machine takes its place */
  readonly costSeconds: number;
  /** host programs whose version decides the result, with the arguments that print it */
  readonly tools?: readonly (readonly [program: string, ...args: string[]])[];
  /** Debian packages that these tests alone need on the host */
  readonly needs?: readonly string[];
};

/** The last run of a shard that passed; a failure leaves none. */
export type ShardResult = {
  /** SHA-256 of all that the result depends on, 64 hex digits */
  readonly inputsHash: string;
  /** when it ended, ISO 8601 in UTC */
  readonly date: string;
  readonly seconds: number;
};
