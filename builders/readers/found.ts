import type { Location } from "../contract/location.ts";
import type { RandomAccess } from "./random-access.ts";

/** What a format says of one of its bytes: the way to it, and what lies there that may be a format of its own. */
export type Found = {
  readonly locations: readonly Location[];
  readonly inside: { readonly image: RandomAccess; readonly offset: number } | null;
};

/** A byte that holds nothing further. */
export const foundAt = (...locations: readonly Location[]): Found => ({ locations, inside: null });

/** A byte of a thing that may be a format of its own. */
export const foundInside = (location: Location, image: RandomAccess): Found => ({
  locations: [location],
  inside: { image, offset: location.offset },
});
