import { reached, type Step, stopped } from "../step.ts";

/** A release that stands in a record is done, or stands in its own way: a name is never used for two contents. */
export const admit: Step = ({ record, specDigest, version }) => {
  switch (record.kind) {
    case "absent":
      return reached("Accepted", "the spec is valid and its class allows it");
    case "failed":
      // another version of the name may still succeed; its record takes the place of this one
      if (record.version !== version) return reached("Accepted", `version ${record.version} failed; this one is new`);
      return stopped("VersionReused", {
        code: "VersionReused",
        message: `version ${version} failed with other content, as ${record.commit} records`,
        remedy: "a version never changes: imgrel bump gives the release a new one",
      });
    case "invalid":
      return stopped("RecordInvalid", {
        code: "RecordInvalid",
        message: `the release has a record that does not verify: ${record.message}`,
        remedy: "find out who wrote it; a record is never written over",
      });
    case "recorded":
      if (record.specDigest === specDigest) {
        return reached("Adopted", `recorded in ${record.commit}`);
      }
      return stopped("VersionReused", {
        code: "VersionReused",
        message: `a release of this name is recorded as version ${record.version} with other content, in ${record.commit}`,
        remedy: "a release never changes: give the new one a folder and metadata.name of its own",
      });
  }
};
