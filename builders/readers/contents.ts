import type { Location } from "../contract/location.ts";
import type { Extent, RandomAccess } from "./random-access.ts";

/** One thing that an image holds: a partition, a file, a member of an archive, a section. */
export type Item = {
  /** the way to it inside the image, offsets at its start; without offsets it is what both sides are matched by */
  readonly trail: readonly Location[];
  /** what is said of it beside its content, as people read it */
  readonly facts: Readonly<Record<string, string>>;
  /** what changes along with something else, such as a number in order: told only where nothing else differs */
  readonly minor?: Readonly<Record<string, string>>;
  /** SHA-256 of its content where reading the image gave it for nothing */
  readonly sha256?: string;
  /** its bytes as the image stores them, where that is not how they are read: of equal ones the content is equal */
  readonly stored?: RandomAccess;
  /** opens its content; null if it has none */
  readonly open: (() => Promise<RandomAccess>) | null;
  /** where its bytes lie in the image; empty for what is compressed */
  readonly covers: readonly Pick<Extent, "at" | "length">[];
};

/** An image taken apart by its format. */
export type Contents = {
  readonly format: string;
  /** in the image's own order */
  readonly items: readonly Item[];
  /** whether bytes that no item covers mean something of their own, not only where compressed data went */
  readonly exact: boolean;
};

/**
 * Takes an image apart; null if it is of another format.
 * @throws BuildError OutputInvalid if the format is right and the content is not
 */
export type ContentsReader = (image: RandomAccess) => Promise<Contents | null>;
