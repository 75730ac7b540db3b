/** What the measured controller says of itself. Bytes and seconds; `calls`: by `<verb> <resource>`. */
export type Figures = {
  readonly pid: number;
  readonly rss: number;
  readonly peakRss: number;
  readonly heap: number;
  readonly cpuSeconds: number;
  /** of the programs that it ran to their end: git */
  readonly gitSeconds: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly phases: Readonly<Record<string, number>>;
};

export const sumOf = (calls: Figures["calls"]): number => Object.values(calls).reduce((sum, one) => sum + one, 0);

/** Calls between two moments. */
export const callsBetween = (before: Figures["calls"], after: Figures["calls"]): Figures["calls"] =>
  Object.fromEntries(
    Object.entries(after).flatMap(([key, count]) => {
      const more = count - (before[key] ?? 0);
      return more === 0 ? [] : [[key, more] as const];
    }),
  );

/** One line for each verb and resource, the most frequent first: how many, and how many per release. */
export const callLines = (calls: Figures["calls"], releases: number): string[] =>
  Object.entries(calls)
    .toSorted(([, a], [, b]) => b - a)
    .map(
      ([key, count]) => `  ${key.padEnd(34)} ${String(count).padStart(8)} ${(count / releases).toFixed(2).padStart(8)}`,
    );
