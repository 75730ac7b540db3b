import type { Place } from "../domain/queued-runs.ts";

/** Gives turns, so many at once, to whatever came into being first. */
export type Turns = {
  /**
   * Waits for a turn.
   * @param order turns are given in this order: of creation, then by name
   * @param onPlace told the place at first, if there is a wait, and whenever it has changed by much
   * @returns ends the turn; a second call does nothing
   * @throws the signal's reason if it fires before the turn comes
   */
  readonly take: (order: string, signal: AbortSignal, onPlace: (place: Place) => void) => Promise<() => void>;
  /**
   * Says that a turn may be asked for soon: nobody that comes after gets one before that. The result takes it back, also
   * once the turn was asked for.
   */
  readonly announce: (order: string) => () => void;
  /** How many may be taken now was changed. */
  readonly changed: () => void;
};

type Waiting = { readonly order: string; readonly begin: () => void; readonly onPlace: (place: Place) => void };

/**
 * Whether a place is worth telling again. Who is told writes it down: in a long queue that would be all of them at each
 * turn, so what counts is half of the way. How many wait behind is no news.
 */
const isNews = (told: number | undefined, place: number): boolean =>
  told === undefined || Math.abs(told - place) >= Math.max(1, told / 2);

/** @param limit how many turns there are, asked each time */
export function createTurns(limit: () => number): Turns {
  const waiting: Waiting[] = [];
  const told = new Map<Waiting, number>();
  const announced: string[] = [];
  let taken = 0;
  const isFirst = ({ order }: Waiting): boolean => announced.every((other) => other >= order);

  const give = (): void => {
    for (let [first] = waiting; first !== undefined && taken < limit() && isFirst(first); [first] = waiting) {
      taken += 1;
      waiting.shift();
      first.begin();
    }
    for (const [index, one] of waiting.entries()) {
      const place = { place: index + 1, of: waiting.length };
      if (!isNews(told.get(one), place.place)) continue;
      told.set(one, place.place);
      one.onPlace(place);
    }
  };
  const turn = (): (() => void) => {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      taken -= 1;
      give();
    };
  };

  return {
    changed: give,
    announce: (order) => {
      announced.push(order);
      return () => {
        const at = announced.indexOf(order);
        if (at !== -1) announced.splice(at, 1);
        give();
      };
    },
    take: async (order, signal, onPlace) => {
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<() => void>();
      const one: Waiting = { order, onPlace, begin: () => resolve(turn()) };
      const giveUp = (): void => {
        const at = waiting.indexOf(one);
        if (at === -1) return; // its turn has come
        waiting.splice(at, 1);
        resolve(() => undefined);
        give();
      };
      const before = waiting.findIndex((other) => other.order > order);
      waiting.splice(before === -1 ? waiting.length : before, 0, one);
      signal.addEventListener("abort", giveUp);
      give();
      const end = await promise;
      told.delete(one);
      signal.removeEventListener("abort", giveUp);
      if (!signal.aborted) return end;
      end(); // the turn may have come in the same moment
      throw signal.reason;
    },
  };
}
