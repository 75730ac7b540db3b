import { readFile } from "node:fs/promises";
import { Lock } from "../../builders/contract/lock.ts";
import { blobPath, cacheRoot } from "../../builders/host/cache.ts";
import { sendFile, startFileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";

// What a release in a cluster needs from outside: a git server and a package archive. A program of its own, since it runs
// in the cluster's network: release-services.ts <address> <folder of repositories> <lock file>...
const [address = "", repositories = "", ...locks] = process.argv.slice(2);

const paths = new Map<string, string>();
for (const file of locks) {
  const { packages } = Lock.parse(JSON.parse(await readFile(file, "utf8")));
  for (const { path, sha256 } of packages) paths.set(`/${path}`, blobPath(cacheRoot(process.env), sha256));
}
const archive = await startFileServer((request, response) => {
  const path = paths.get(decodeURIComponent(request.url ?? ""));
  if (path === undefined) {
    response.writeHead(404).end();
    return;
  }
  readFile(path).then(
    (content) => sendFile(request, response, content),
    (error: unknown) => response.destroy(error as Error),
  );
}, address);
const git = await startFileServer((request, response) => {
  gitAnswer(repositories, request).then(
    (answer) => sendAnswer(response, answer),
    () => response.writeHead(500).end(),
  );
}, address);
process.stdout.write(`${JSON.stringify({ archive: archive.url.href, git: git.url.href })}\n`);
