import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { EXIT, type ExitCode } from "../../builders/contract/build-failure.ts";
import { Sha256Hex, sha256Hex } from "../../builders/contract/digest.ts";
import { hashFile } from "../../builders/host/hash-file.ts";
import type { ComparedArtifact } from "../domain/comparison.ts";
import { ReleaseError } from "../domain/errors.ts";
import { oneLine } from "../domain/format.ts";
import { keySigners, OWN_POLICY, requirePolicy } from "../domain/policy-file.ts";
import { textOf } from "../domain/spec-files.ts";
import { policyChecks, type VerificationVerdict, verificationVerdict } from "../domain/verification.ts";
import type { AuditedRepository } from "../ports/audited-repository.ts";
import { verifyRelease } from "../reconciler/verify-release.ts";
import { createVerifier, openAudited, openSeenIndices } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { openNamedRegistry, type RegistryOptions } from "./named-registry.ts";
import { refuseNetwork } from "./refuse-network.ts";

type Options = RegistryOptions & {
  readonly repo: string;
  readonly policy?: string;
  readonly policySha256?: string;
  readonly artifact: readonly string[];
  readonly minIndexVersion: number;
  readonly state?: string;
  readonly output: OutputFormat;
};

const EXITS: Readonly<Record<VerificationVerdict, ExitCode>> = {
  verified: EXIT.ok,
  failed: EXIT.failed,
  incomplete: EXIT.incomplete,
  "self-asserted": EXIT.incomplete,
};

const SAYS: Readonly<Record<VerificationVerdict, string>> = {
  verified: "verified",
  failed: "NOT verified",
  incomplete: "INCOMPLETE: a required check was left out",
  "self-asserted":
    "SELF-ASSERTED: the policy is the repository's own, so it only says what its owner wants; give --policy",
};

/**
 * The policy to judge by: the user's file, or what the repository says of itself.
 * @throws ReleaseError NotFound; VerificationFailed if it is not the one that is pinned
 */
async function readPolicyText(context: CommandContext, options: Options, { specs }: AuditedRepository) {
  const { policy, policySha256 } = options;
  const file = policy ?? OWN_POLICY;
  const path = resolve(context.cwd, file);
  const content = policy === undefined ? await specs.readFile(OWN_POLICY) : await readFile(path).catch(() => null);
  if (content === null) throw new ReleaseError("NotFound", `there is no policy ${file}`, "name one with --policy");
  const text = textOf(file, content);
  const sha256 = sha256Hex(text);
  if (policySha256 !== undefined && policySha256 !== sha256) {
    throw new ReleaseError(
      "VerificationFailed",
      `${file} has SHA-256 ${sha256}, not ${policySha256}`,
      "find out who changed it",
    );
  }
  // a pinned policy is known from outside, wherever it lies
  return { file, text, sha256, selfAsserted: policy === undefined && policySha256 === undefined };
}

/** The files that the user wants to be the release's, hashed. */
async function hashGiven({ cwd }: CommandContext, paths: readonly string[]): Promise<ComparedArtifact[]> {
  const files: ComparedArtifact[] = [];
  for (const path of paths) {
    const hash = await hashFile(resolve(cwd, path)).catch((cause: unknown) => {
      throw new ReleaseError("NotFound", `cannot read ${path}`, "name a file with --artifact", { cause });
    });
    files.push({ path, sha256: hash.sha256, sizeBytes: hash.sizeBytes, fsverityDigest: hash.fsverity.digest });
  }
  return files;
}

/**
 * `imgrel verify`: proves a release from its record, without trust in whoever wrote it. Nothing is asked of a network but
 * the bytes of artifacts, of the registry that is named.
 */
async function run(context: CommandContext, name: string, options: Options): Promise<void> {
  const { cwd, signal, env } = context;
  const store = await openNamedRegistry(context, options);
  const repository = await openAudited(resolve(cwd, options.repo));
  const { file, text, sha256, selfAsserted } = await readPolicyText(context, options, repository);
  const policy = requirePolicy(text, file);
  const seen = await openSeenIndices(env, options.state === undefined ? undefined : resolve(cwd, options.state));
  const verified = await verifyRelease({
    ...{ name, policy, repository, seen, signal, minIndexVersion: options.minIndexVersion },
    verifier: await createVerifier(keySigners(policy, new Map())),
    store,
    files: await hashGiven(context, options.artifact),
  });
  const checks = [...policyChecks(policy, { file, sha256, selfAsserted }), ...verified.checks];
  const verdict = verificationVerdict(checks, selfAsserted);
  const { index } = verified;
  if (index !== null && (verdict === "verified" || verdict === "incomplete")) {
    await seen.write(index.owner, index.seen, signal);
  }
  if (options.output === "json") context.stdout(JSON.stringify({ release: name, verdict, checks }, null, 2));
  else {
    const lines = checks.map((check) => `${check.result}  ${check.name.padEnd(11)} ${oneLine(check.why)}`);
    context.stdout([...lines, `${SAYS[verdict]}: ${oneLine(name)}`].join("\n"));
  }
  context.exitCode(EXITS[verdict]);
}

async function runOffline(context: CommandContext, name: string, options: Options): Promise<void> {
  const restore = refuseNetwork();
  try {
    await run(context, name, options);
  } finally {
    restore();
  }
}

const count = (text: string): number => {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("write a whole number");
};
const hex = (text: string): string => {
  if (Sha256Hex.safeParse(text).success) return text;
  throw new InvalidArgumentError("write 64 lower-case hex digits");
};
const another = (path: string, before: readonly string[]): readonly string[] => [...before, path];

/** Adds `imgrel verify`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("verify")
    .description(
      "Prove a release from its record in git and a policy of yours: signatures, completeness, provenance of every run, " +
        "boots, bills of materials, and the artifacts' bytes. Everything is read from this machine, but for artifacts " +
        "in a registry that you name. " +
        "Exit code 0: verified; 1: a check failed; 5: incomplete, or only self-asserted.",
    )
    .argument("<release>", "name of the release")
    .requiredOption("--repo <folder>", "bare git repository with specs and records")
    .option("--policy <file>", `whom to believe (default: ${OWN_POLICY} of the repository, which proves nothing)`)
    .option("--policy-sha256 <hex>", "SHA-256 that the policy must have", hex)
    .option(
      "--registry <place>",
      "where the artifacts are: a folder with an OCI image layout, beginning with . or /, or <host>/<path> of a registry, " +
        "as imgrel run has it; without it their bytes are not checked",
    )
    .option("--registry-ca <file>", "certificates in PEM that the registry's must come from")
    .option("--allow-http", "ask a registry that speaks no TLS")
    .option("--allow-private", "ask a registry at an address that is not public")
    .option("--artifact <file>", "a file that must be one of the release's; may be given several times", another, [])
    .option("--offline", "make every attempt to use a network an error; --registry must then be a folder")
    .option("--min-index-version <n>", "oldest index of records to accept", count, 0)
    .option("--state <folder>", "where the newest index that you verified is remembered (default: the user's state)")
    .addOption(outputOption())
    .action((name: string, options: Options) =>
      options.offline === true ? runOffline(context, name, options) : run(context, name, options),
    );
}
