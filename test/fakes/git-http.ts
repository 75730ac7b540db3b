import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";

export type GitAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

const header = (request: IncomingMessage, name: string): string => String(request.headers[name] ?? "");

/** The answer of a CGI program (RFC 3875, 6.2). */
function parseAnswer(output: Buffer): GitAnswer {
  const end = output.indexOf("\r\n\r\n");
  const lines = output.toString("latin1", 0, end).split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(": ", 2) as [string, string]));
  return { status: Number.parseInt(headers["Status"] ?? "200", 10), headers, body: output.subarray(end + 4) };
}

/**
 * What git's own http server answers to a request (git-http-backend(1)), on the repositories below `root`. With an
 * account, only it is served, and may push; without one everybody is, as far as http.receivepack of a repository says.
 */
export async function gitAnswer(
  root: string,
  request: IncomingMessage,
  account?: { readonly user: string; readonly password: string },
): Promise<GitAnswer> {
  const expected = account && `Basic ${Buffer.from(`${account.user}:${account.password}`).toString("base64")}`;
  if (expected !== undefined && header(request, "authorization") !== expected) {
    return { status: 401, headers: { "WWW-Authenticate": 'Basic realm="git"' }, body: Buffer.from("who are you?\n") };
  }
  const folder = await mkdtemp(join(tmpdir(), "imgrel-git-http-"));
  try {
    const [input, output] = [join(folder, "input"), join(folder, "output")];
    await pipeline(request, createWriteStream(input));
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const outcome = await exec({
      program: "sh",
      args: ["-c", 'exec git http-backend <"$1" >"$2"', "sh", input, output],
      env: {
        ...PLAIN_ENV,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_PROTOCOL: header(request, "git-protocol"),
        PATH_INFO: pathname,
        QUERY_STRING: searchParams.toString(),
        REQUEST_METHOD: request.method ?? "GET",
        CONTENT_TYPE: header(request, "content-type"),
        HTTP_CONTENT_ENCODING: header(request, "content-encoding"),
        ...(account === undefined ? {} : { REMOTE_USER: account.user }),
      },
    });
    if (outcome.exitCode !== 0) return { status: 500, headers: {}, body: Buffer.from(outcome.tail) };
    return parseAnswer(await readFile(output));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends an answer as it is. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: GitAnswer): void {
  response.writeHead(status, headers).end(body);
}
