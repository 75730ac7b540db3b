/** How long to wait before something that failed is tried again, in milliseconds. */
export type BackOff = { readonly first: number; readonly longest: number };

/**
 * The wait after so many failures in a row (at least 1): it doubles each time, a quarter more or less, so that those who
 * failed together do not come back together. `random` is from 0 to 1.
 */
export function backOffDelay(failures: number, { first, longest }: BackOff, random: number): number {
  const doubled = first * 2 ** Math.min(failures - 1, 50);
  return Math.min(longest, Math.min(longest, doubled) * (0.75 + random / 2));
}
