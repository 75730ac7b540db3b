import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { EXIT, type ExitCode } from "../../builders/contract/build-failure.ts";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { ReleaseError } from "../domain/errors.ts";
import { keySigners, requirePolicy } from "../domain/policy-file.ts";
import { textOf } from "../domain/spec-files.ts";
import { type VerificationVerdict, verificationVerdict } from "../domain/verification.ts";
import { verifyRelease } from "../reconciler/verify-release.ts";
import { createVerifier, openAudited, openStores } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";

type Options = {
  readonly repo: string;
  readonly policy?: string;
  readonly policySha256?: string;
  readonly registry?: string;
  readonly minIndexVersion: number;
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

/** Where a repository that is audited keeps its own policy. */
const OWN_POLICY = "policy/verify.yaml";

/** `imgrel verify`: proves a release from its record, without trust in whoever wrote it. Nothing is asked of a network. */
async function run(context: CommandContext, name: string, options: Options): Promise<void> {
  const { cwd, signal, env } = context;
  const directory = resolve(cwd, options.repo);
  if (!existsSync(join(directory, "HEAD"))) {
    throw new ReleaseError("NotFound", `${options.repo} is no bare git repository`, "name one with --repo");
  }
  const { specs, records } = await openAudited(directory);
  const own = options.policy === undefined;
  const content = own
    ? await specs.readFile(OWN_POLICY)
    : await readFile(resolve(cwd, options.policy)).catch(() => null);
  if (content === null) {
    throw new ReleaseError("NotFound", `there is no policy ${options.policy ?? OWN_POLICY}`, "name one with --policy");
  }
  const file = options.policy ?? OWN_POLICY;
  const text = textOf(file, content);
  if (options.policySha256 !== undefined && options.policySha256 !== sha256Hex(text)) {
    throw new ReleaseError(
      "VerificationFailed",
      `${file} has SHA-256 ${sha256Hex(text)}, not ${options.policySha256}`,
      "find out who changed it",
    );
  }
  const policy = requirePolicy(text, file);
  const registry = options.registry === undefined ? null : resolve(cwd, options.registry);
  const network = { allowPrivate: false, allowHTTP: false };
  const stores = registry === null ? null : await openStores({ stateDirectory: registry, registry, network, env });
  const checks = await verifyRelease({
    ...{ name, policy, specs, records, signal, minIndexVersion: options.minIndexVersion },
    verifier: await createVerifier(keySigners(policy, new Map())),
    store: stores?.images ?? null,
  });
  // a pinned policy is known from outside, wherever it lies
  const selfAsserted = own && options.policySha256 === undefined;
  const verdict = verificationVerdict(checks, selfAsserted);
  if (options.output === "json") context.stdout(JSON.stringify({ release: name, verdict, checks }, null, 2));
  else {
    const lines = checks.map((check) => `${check.result}  ${check.name.padEnd(11)} ${check.why}`);
    context.stdout([...lines, `${SAYS[verdict]}: ${name}`].join("\n"));
  }
  context.exitCode(EXITS[verdict]);
}

const count = (text: string): number => {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("write a whole number");
};

/** Adds `imgrel verify`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("verify")
    .description(
      "Prove a release from its record in git and a policy of yours: signatures, completeness, provenance of every run, " +
        "boots, bills of materials, and the artifacts' bytes. Everything is read from this machine; no network is used. " +
        "Exit code 0: verified; 1: a check failed; 5: incomplete, or only self-asserted.",
    )
    .argument("<release>", "name of the release")
    .requiredOption("--repo <folder>", "bare git repository with specs and records")
    .option("--policy <file>", `whom to believe (default: ${OWN_POLICY} of the repository, which proves nothing)`)
    .option("--policy-sha256 <hex>", "SHA-256 that the policy must have")
    .option("--registry <folder>", "OCI image layout with the artifacts; without it their bytes are not checked")
    .option("--min-index-version <n>", "oldest index of records to accept", count, 0)
    .addOption(outputOption())
    .action((name: string, options: Options) => run(context, name, options));
}
