import type { Conversation } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { type BatchAnswer, batchParser, type GitObject } from "./cat-file.ts";

/**
 * Reads objects by any names that git understands, but none with a line break: null for those that are not there.
 * @throws ReleaseError RepositoryUnusable, ToolMissing
 */
export type ObjectReader = (names: readonly string[]) => Promise<readonly (GitObject | null)[]>;

/** A `git cat-file --batch` that was started. */
export type StartCatFile = (
  onAnswer: (piece: Uint8Array) => void,
  onEnd: (reason: string) => void,
) => Pick<Conversation, "say" | "end" | "awaitAnswers">;

/** How long nobody asks before git is let go, in ms: it is as large as what it read. */
const IDLE = 5000;

/**
 * One git answers all readers of a repository, one after the other: a process for each read is slow where there are
 * thousands. It is started when it is asked something, and anew after it ended. Of those who wait when it dies, the one it
 * was working for may be the cause: that one fails the second time, and the others only have to wait.
 * @param fault what an end means that nobody asked for
 */
export function objectReader(start: StartCatFile, fault: (reason: string) => ReleaseError): ObjectReader {
  type Asked = { readonly name: string; readonly answer: (answer: BatchAnswer) => void; readonly again: boolean };
  let current: { readonly catFile: ReturnType<StartCatFile>; readonly asked: Asked[] } | undefined;
  let idle: NodeJS.Timeout | undefined;

  const begin = () => {
    const asked: Asked[] = [];
    const parse = batchParser((answer) => asked.shift()?.answer(answer));
    const catFile = start(parse, (reason) => {
      if (current?.asked === asked) {
        current = undefined;
        clearTimeout(idle);
      }
      const [first, ...others] = asked.splice(0);
      if (first?.again === true) first.answer(fault(reason));
      else if (first !== undefined) ask({ ...first, again: true });
      others.forEach(ask);
    });
    return { catFile, asked };
  };
  function ask(one: Asked): void {
    clearTimeout(idle);
    const { catFile, asked } = (current ??= begin());
    catFile.awaitAnswers(true);
    asked.push(one);
    catFile.say(`${one.name}\n`);
  }
  const letGo = (): void => {
    const open = current;
    if (open === undefined || open.asked.length > 0) return; // it has ended, or somebody waits
    open.catFile.awaitAnswers(false);
    clearTimeout(idle); // of somebody whose answers came in the same moment
    idle = setTimeout(() => {
      current = undefined;
      open.catFile.end();
    }, IDLE).unref();
  };

  return async (names) => {
    if (names.length === 0) return [];
    if (names.some((name) => name.includes("\n"))) throw new RangeError("no name of an object has a line break");
    const answers = names.map((name) => {
      const { promise, resolve } = Promise.withResolvers<BatchAnswer>();
      ask({ name, answer: resolve, again: false });
      return promise;
    });
    const all = await Promise.all(answers);
    letGo();
    return all.map((answer) => {
      if (answer instanceof ReleaseError) throw answer;
      return answer;
    });
  };
}
