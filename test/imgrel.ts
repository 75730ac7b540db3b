import { fileURLToPath } from "node:url";
import { exec, type Outcome, PLAIN_ENV } from "../builders/host/exec.ts";

/** Root of the sources under test. */
export const PROJECT = fileURLToPath(new URL("..", import.meta.url));

/** The caller's home and proxies, and nothing else of its environment. */
export const IMGREL_ENV: Readonly<Record<string, string>> = {
  ...PLAIN_ENV,
  ...Object.fromEntries(
    ["HOME", "XDG_CACHE_HOME", "http_proxy", "https_proxy", "no_proxy"].flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
};

/** Runs the real command line in the project's folder, with the caller's home and proxies. */
export const imgrel = (...args: readonly string[]): Promise<Outcome> =>
  exec({ program: process.execPath, args: ["controller/main.ts", ...args], cwd: PROJECT, env: IMGREL_ENV });
