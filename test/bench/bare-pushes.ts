import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import type { Room } from "./cluster-room.ts";

/**
 * Pushes commits that are there one after the other, as their author had to, to an empty repository behind the same
 * server: what git alone takes for them.
 * @returns seconds
 */
export async function barePushes({ git: { directory, bare, account } }: Room, commits: readonly string[]) {
  const credentials = Buffer.from(`${account.user}:${account.password}`).toString("base64");
  const env = {
    ...PLAIN_ENV,
    ...{ GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_COUNT: "1" },
    ...{ GIT_CONFIG_KEY_0: "http.extraHeader", GIT_CONFIG_VALUE_0: `Authorization: Basic ${credentials}` },
  };
  const begun = performance.now();
  for (const commit of commits) {
    const args = ["--git-dir", directory, "push", "--quiet", bare.href, `${commit}:refs/heads/records`];
    const { exitCode, tail } = await exec({ program: "git", args, env });
    if (exitCode !== 0) throw new Error(`git push: ${tail}`);
  }
  return (performance.now() - begun) / 1000;
}
