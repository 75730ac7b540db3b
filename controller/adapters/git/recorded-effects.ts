import { parseRecordTrailers, type RecordPart } from "../../domain/record-commit.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { isAncestor } from "./bare-repository.ts";
import type { Git } from "./git.ts";

type Effect = Pick<RecordPart, "release" | "idempotencyKey">;

/** The newest commit of a branch whose trailers carry an effect, for each effect that was ever recorded there. */
export type RecordedEffects = {
  /** Reads what came onto the branch since the last call. @throws ReleaseError RepositoryUnusable */
  readonly upTo: (tip: string | null) => Promise<(effect: Effect) => string | undefined>;
  /** told of a commit that is on the branch now, on top of the tip that was read last */
  readonly add: (commit: string, parent: string | null, message: string) => void;
};

/** The oldest first, so that the newest counts; a message without the word has no effect in its trailers. */
const LOG = ["log", "-z", "--reverse", "--fixed-strings", "--grep=Idempotency-Key:", "--format=%H%n%B"];

/** What is not there any more is no history of anything: then all of it is read anew. */
const standsBehind = (git: Git, commit: string, tip: string): Promise<boolean> =>
  isAncestor(git, commit, tip).catch((fault: unknown) => {
    if (fault instanceof ReleaseError && fault.code === "RepositoryUnusable") return false;
    throw fault;
  });

const keyOf = ({ release, idempotencyKey }: Effect): string => `${idempotencyKey} ${release}`;

/**
 * Remembers which effects a branch holds: a look at its whole history for each commit takes the longer, the more was
 * recorded. Each commit is read once, in the life of this process.
 */
export function recordedEffects(git: Git): RecordedEffects {
  let known = new Map<string, string>();
  let last: string | null = null;
  const take = (commit: string, message: string): void => {
    // a message that only quotes a trailer counts for nothing: what counts is what its trailers say
    for (const effect of parseRecordTrailers(message)) known.set(keyOf(effect), commit);
  };
  return {
    upTo: async (tip) => {
      if (tip !== last) {
        const goesOn = last !== null && tip !== null && (await standsBehind(git, last, tip));
        const log = tip === null ? "" : await git.run([...LOG, tip, ...(goesOn ? [`^${last}`] : [])]);
        if (!goesOn) known = new Map();
        for (const text of log.split("\0").filter((text) => text !== "")) {
          const end = text.indexOf("\n");
          // a copy: a part of the log would keep all of it in memory
          take(Buffer.from(text.slice(0, end)).toString("latin1"), text.slice(end + 1));
        }
        last = tip;
      }
      return (effect) => known.get(keyOf(effect));
    },
    add: (commit, parent, message) => {
      if (parent !== last) return; // it is read with what else came
      take(commit, message);
      last = commit;
    },
  };
}
