import { type ArchDocuments, archDocuments, type ArchFacts, provenText } from "../domain/arch-documents.ts";
import { bootName, bootPlan } from "../domain/boot-plan.ts";
import { documentsFor, type TargetRef } from "../domain/target.ts";
import type { JobRunner } from "../ports/job-runner.ts";
import type { ArchWork } from "./arch-work.ts";
import type { TargetContent } from "./target-work.ts";

/** What the statements about an arch need beside what was built and proven. */
export type ArchContext = Omit<ArchFacts, "files" | "runs" | "boots" | "dpkgStatus" | "rootImage">;

/** What is to be signed and published of an arch. */
export type ArchContent = {
  /** null until its runs are known to be the same and its boots ended, as far as they are wanted */
  readonly documents: () => Promise<ArchDocuments | null>;
  readonly target: (variant: TargetRef["variant"]) => Promise<TargetContent | null>;
};

/**
 * The content of an arch, made once and then kept: statements are large, and the same every time.
 * @param booted whether boots are wanted
 */
export function archContent(
  runner: Pick<JobRunner, "readText">,
  work: ArchWork,
  context: ArchContext,
  booted: boolean,
): ArchContent {
  const { arch, variants } = work.plan.request;
  let made: Promise<ArchDocuments> | undefined;
  const isReady = (): boolean =>
    work.isReproduced() &&
    (!booted || bootPlan(variants, arch).every((planned) => work.boots().has(bootName(planned))));
  const make = async (): Promise<ArchDocuments> => {
    const { reproduced } = work.proven();
    if (reproduced === null) throw new RangeError(`${arch} is not reproduced`);
    const { files, runs } = reproduced;
    const path = `${arch}/dpkg-status`;
    const dpkgStatus = provenText(files, path, await runner.readText(work.first(), path));
    const boots = Object.fromEntries(work.boots());
    const rootImage = work.first().manifest.root_image.sha256;
    return archDocuments({ ...context, files, runs, boots, dpkgStatus, rootImage });
  };
  const documents = async () => (isReady() ? await (made ??= make()) : null);
  const contents = new Map<TargetRef["variant"], TargetContent>();
  const contentOf = (variant: TargetRef["variant"], { statement }: ArchDocuments): TargetContent => {
    const folder = `${arch}/${variant}/`;
    const files = (work.proven().reproduced?.files ?? []).filter(({ path }) => path.startsWith(folder));
    return {
      files: files.map(({ path, sha256, sizeBytes }) => ({
        ...{ title: path.slice(folder.length), digest: `sha256:${sha256}`, size: sizeBytes },
      })),
      pathOf: ({ title }) => `${work.first().output}/${folder}${title}`,
      documents: documentsFor({ arch, variant }, { runs: work.plan.runs, booted }),
      statement: (document) => statement(variant, document),
      sourceDateEpoch: context.sourceDateEpoch,
    };
  };
  return {
    documents,
    target: async (variant) => {
      const found = await documents();
      if (found === null) return null;
      const content = contents.get(variant) ?? contentOf(variant, found);
      contents.set(variant, content);
      return content;
    },
  };
}
