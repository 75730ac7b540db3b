import { formatCommitMessage } from "../domain/commit-message.ts";
import { OWN_POLICY } from "../domain/policy-file.ts";
import type { SpecRepository } from "../ports/spec-repository.ts";

/**
 * Puts the policy of a repository into it, unless it ever held one: whoever changed or removed that since decides whom
 * to believe.
 * @param text what the policy says if there is none yet
 * @returns whether it was committed just now
 * @throws ReleaseError PushConflict
 */
export async function keepOwnPolicy(repository: SpecRepository, text: string): Promise<boolean> {
  const { changed } = await repository.commit(async (tip) => {
    if ((await tip.lastCommitOf(OWN_POLICY)) !== null) return null;
    const message = formatCommitMessage({
      subject: `Add ${OWN_POLICY}: whom imgrel verify believes`,
      ...{ paragraphs: [], trailers: [] },
    });
    return { changes: [{ path: OWN_POLICY, content: text }], message };
  });
  return changed;
}
