import { ReleaseError } from "./errors.ts";
import { RECORD_FILES } from "./record-files.ts";
import { INDEX_FILE, INDEX_STATEMENT_FILE } from "./recorded-releases.ts";
import { changesFile, checkedPath, type FileChange, type SpecFiles } from "./spec-files.ts";

/** Folder of all records. */
export const RECORDS_FOLDER = "records";

/** Folder of all rebuilds. */
export const REBUILDS_FOLDER = "rebuilds";

/** Folder of a release's record (trust.md 2.1). */
export const recordPath = (release: string): string => `${RECORDS_FOLDER}/${release}`;

/** Files that the statement does not name, so that they may still come or change. */
const OPEN_FILES: readonly string[] = [RECORD_FILES.status, RECORD_FILES.revocation];

/** The index of all records, and its signature. */
const INDEX_FILES: readonly string[] = [INDEX_FILE, INDEX_STATEMENT_FILE];

const refused = (message: string, remedy: string): ReleaseError => new ReleaseError("RecordInvalid", message, remedy);

/** What is wrong with one change of a file in a closed record, or null. */
function closedFault(record: SpecFiles, file: string, content: FileChange["content"]): string | null {
  const before = record.get(file) ?? null;
  if (!changesFile(before, content)) return null;
  if (content === null) return "be removed";
  if (OPEN_FILES.includes(file)) return null;
  return before === null ? "be added" : "change";
}

/**
 * Records are append-only: an entry for `release` may touch the record and the rebuilds of that release and the index
 * of all records; in a closed record only what its statement does not name may come or change, and nothing may go.
 * @param record all files of the release's record as the branch holds them, by path below it
 * @throws ReleaseError RecordInvalid; SpecInvalid for a path that climbs out
 */
export function checkRecordChanges(release: string, record: SpecFiles, changes: readonly FileChange[]): void {
  if (INDEX_FILES.includes(recordPath(release))) {
    throw refused(`a release called ${release} would take the place of the index of records`, "give it another name");
  }
  const own = `${recordPath(release)}/`;
  for (const { path, content } of changes) {
    checkedPath(path);
    if (INDEX_FILES.includes(path) || path.startsWith(`${REBUILDS_FOLDER}/${release}/`)) continue;
    if (!path.startsWith(own)) {
      throw refused(
        `the record of ${release} may not touch ${path}`,
        `write below ${own} or ${REBUILDS_FOLDER}/${release}/, or to the index of records`,
      );
    }
    const fault = record.has(RECORD_FILES.statement) ? closedFault(record, path.slice(own.length), content) : null;
    if (fault !== null) {
      throw refused(
        `${path} may not ${fault}: ${own}${RECORD_FILES.statement} closed the record of ${release}`,
        "release a new version; a published one can only be revoked",
      );
    }
  }
}
