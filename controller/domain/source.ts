import { z } from "zod";
import { GIT_URL, UNPRINTED } from "./addresses.ts";
import { duration, Network, objectMetadata, objectRef } from "./cluster-fields.ts";
import { crossRule, text, uniqueTexts } from "./fields.ts";
import { LABEL_NAME } from "./names.ts";
import { quote } from "./problem.ts";
import { API_VERSION } from "./release.ts";
import { refuseHttp } from "./refuse-http.ts";
import type { TextRule } from "./text-rule.ts";

/** Branch of records where a source names none. */
export const RECORDS_BRANCH = "release-records";

/** A branch by its short name (git-check-ref-format(1), a subset). */
const BRANCH: TextRule = {
  what: "a branch name",
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/,
  maxLength: 200,
  form: "use letters, digits, dots, underscores, hyphens and slashes",
  recognise(value) {
    if (value.startsWith("refs/")) {
      return { message: `${quote(value)} is a full ref`, remedy: `write ${value.replace(/^refs\/(heads\/)?/, "")}` };
    }
    return undefined;
  },
  never: [
    { pattern: /^refs\//, message: "is a full ref", remedy: "write the branch's short name" },
    {
      pattern: /\.\.|\.$|\.lock(\/|$)/,
      message: 'holds "..", or a part that ends in "." or ".lock"',
      remedy: "choose another name",
    },
  ],
};

const FOLDER: TextRule = {
  what: "a folder of the repository",
  pattern: /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/,
  maxLength: 255,
  form: 'write a path from the repository\'s root without slash at either end, for example "specs"',
  never: [
    {
      pattern: /^(records|rebuilds)(\/|$)/,
      message: "is written by the controller",
      remedy: "name the folder that people write specs to",
    },
  ],
};

const AUTHOR_NAME: TextRule = {
  what: "a name",
  pattern: new RegExp(`^[^\\p{Cc}<>]*[^<>${UNPRINTED}][^\\p{Cc}<>]*$`, "u"),
  maxLength: 100,
  form: "write a name without angle brackets and line breaks",
};

const EMAIL: TextRule = {
  what: "a mail address",
  pattern: new RegExp(`^[^<>@${UNPRINTED}]+@[^<>@${UNPRINTED}]+$`, "u"),
  maxLength: 254,
  form: "write <name>@<domain>",
};

const Verify = z
  .strictObject({
    allowedSignersRef: objectRef("ConfigMap with an allowed_signers file of ssh, key allowed_signers.", "spec-signers"),
    of: z.enum(["SpecCommit", "MergeOrApproval"]).meta({
      description: "What must be proved: the author's signature, or approvals on the forge.",
      examples: ["SpecCommit"],
    }),
    approvals: z
      .int()
      .min(1)
      .max(10)
      .meta({ description: "How many allowed people must have approved, with MergeOrApproval.", examples: [1] })
      .exactOptional(),
  })
  .check(
    crossRule(z.object({ of: z.string(), approvals: z.unknown().optional() }), ({ of, approvals }, complain) => {
      if (of === "SpecCommit" && approvals !== undefined) {
        complain(["approvals"], { message: "counts only with of: MergeOrApproval", remedy: "remove it, or change of" });
      }
      if (of === "MergeOrApproval" && approvals === undefined) {
        complain(["of"], { message: "needs to know how many approvals", remedy: 'add "approvals: 1"' });
      }
    }),
  )
  .meta({ description: "Whose commits are taken; left out: every commit on the branch." });

const WriteBack = z
  .strictObject({
    mode: z
      .enum(["Branch", "Path", "PullRequest"])
      .default("Branch")
      .meta({
        description: "Where records go: a branch of their own, the specs' branch, or a pull request.",
        examples: ["Branch"],
      }),
    branch: text(
      BRANCH,
      "Branch of records, or that a pull request is for; not with Path; left out: release-records.",
      "release-records",
    ).exactOptional(),
    author: z
      .strictObject({
        name: text(AUTHOR_NAME, "Name of the author.", "imgrel"),
        email: text(EMAIL, "Mail address of the author.", "imgrel@example.org"),
      })
      .meta({ description: "Author of record commits.", examples: [{ name: "imgrel", email: "imgrel@example.org" }] }),
    signingKeyRef: objectRef(
      "Secret with the SSH key that signs record commits, key ssh-privatekey; left out: the local process keeps one.",
      "record-signing-key",
    ).exactOptional(),
  })
  .meta({
    description: "How records come back into the repository.",
    examples: [{ author: { name: "imgrel", email: "imgrel@example.org" } }],
  });

export const SourceSpec = z
  .strictObject({
    url: text(
      GIT_URL,
      "The repository; a path is for the local process only.",
      "https://git.example/acme/releases.git",
    ),
    branch: text(BRANCH, "Branch that specs are read from.", "main"),
    path: text(FOLDER, "Folder that holds one folder per release.", "specs").default("specs"),
    interval: duration("How often the branch is looked at.", "1m").default("1m"),
    suspend: z
      .boolean()
      .default(false)
      .meta({ description: "Whether the source is left alone.", examples: [false] }),
    credentialsRef: objectRef(
      "Secret with username and password, or ssh-privatekey and known_hosts.",
      "git",
    ).exactOptional(),
    caRef: objectRef("ConfigMap with a CA certificate, key ca.crt.", "git-ca").exactOptional(),
    verify: Verify.exactOptional(),
    nudge: z
      .strictObject({ secretRef: objectRef("Secret with the webhook's HMAC key, key secret.", "git-webhook") })
      .meta({ description: "Webhook that asks to look now; left out: none is served." })
      .exactOptional(),
    writeBack: WriteBack,
    allowedClasses: uniqueTexts(
      text(LABEL_NAME, "Name of a class.", "stable"),
      "class",
      { min: 1, max: 32 },
      { description: "Classes that specs of this repository may name.", example: ["stable"] },
    ),
    network: Network,
  })
  .check(
    refuseHttp,
    crossRule(
      z.object({
        branch: z.string(),
        writeBack: z.object({ mode: z.string().optional(), branch: z.string().optional() }),
      }),
      ({ branch, writeBack }, complain) => {
        const at = ["writeBack", "branch"];
        if (writeBack.mode === "Path" && writeBack.branch !== undefined) {
          complain(at, {
            message: "does not go with mode Path, which writes to the specs' branch",
            remedy: "remove it",
          });
        }
        if ((writeBack.mode ?? "Branch") === "Branch" && (writeBack.branch ?? RECORDS_BRANCH) === branch) {
          complain(writeBack.branch === undefined ? ["branch"] : at, {
            message: `${branch} would hold both specs and records`,
            remedy: "name another branch, or choose another mode",
          });
        }
      },
    ),
  );
export type SourceSpec = z.infer<typeof SourceSpec>;

/** A repository to follow, which classes its specs may use, and how records come back (release-api.md 3.6). */
export const DiskImageReleaseSource = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).meta({ description: "Group and version.", examples: [API_VERSION] }),
    kind: z.literal("DiskImageReleaseSource").meta({ description: "Kind.", examples: ["DiskImageReleaseSource"] }),
    metadata: objectMetadata("Name of the source.", "releases"),
    spec: SourceSpec.meta({ description: "What is followed, and how." }),
  })
  .meta({ title: "DiskImageReleaseSource", description: "A git repository that releases come from." });
export type DiskImageReleaseSource = z.infer<typeof DiskImageReleaseSource>;
