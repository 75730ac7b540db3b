import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";
import { type Cluster, printed } from "./cluster/cluster.ts";

/** The first block of shell lines in a section of docs/install.md. */
export async function guideLines(heading: string): Promise<string> {
  const guide = await readFile(join(PROJECT, "docs/install.md"), "utf8");
  const [, lines] = new RegExp(`^## ${heading}\\n[^]*?^\`\`\`sh\\n([^]*?)^\`\`\``, "m").exec(guide) ?? [];
  if (lines === undefined) throw new Error(`docs/install.md has no lines below ${heading}`);
  return lines;
}

/**
 * Runs lines of the guide as they stand there, until the first that fails; gives what they print.
 * @param home absolute path of a folder where kubectl may keep its caches
 */
export async function runGuideLines(
  { bin, kubeconfig }: Pick<Cluster, "bin" | "kubeconfig">,
  home: string,
  lines: string,
  signal: AbortSignal,
): Promise<string> {
  const env = { ...PLAIN_ENV, PATH: `${bin}:${PLAIN_ENV["PATH"]}`, KUBECONFIG: kubeconfig, HOME: home };
  return printed(await exec({ program: "sh", args: ["-ec", lines], cwd: PROJECT, env, signal }));
}
