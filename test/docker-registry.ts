import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "../builders/host/exec.ts";
import { onHost } from "./toolbox.ts";

export type DockerRegistryOptions = {
  /** `user:<bcrypt hash>` of who may do everything; without it everybody may */
  readonly htpasswd?: string;
  /** files in PEM; without them it speaks plain http */
  readonly tls?: { readonly certificate: string; readonly key: string };
};

export type DockerRegistry = AsyncDisposable & {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** where it keeps what it has */
  readonly storage: string;
};

/** A port of loopback that nobody had a moment ago: docker-registry cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

/**
 * Debian's docker-registry of the toolchain in `root`, with its files in `folder`.
 * @throws Error with its last lines if it does not come up
 */
export async function startDockerRegistry(
  root: string,
  folder: string,
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const storage = join(folder, "storage");
  await mkdir(storage, { recursive: true });
  const port = await freePort();
  const { htpasswd, tls } = options;
  const config = join(folder, "config.json"); // JSON is YAML
  await writeFile(join(folder, "htpasswd"), `${htpasswd ?? ""}\n`);
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage } },
      http: { addr: `127.0.0.1:${port}`, ...(tls === undefined ? {} : { tls }) },
      ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } }),
    }),
  );
  const stop = new AbortController();
  let ended: string | undefined;
  const { program, args } = onHost(root, "docker-registry", ["serve", config]);
  // it ends with this process, however that ends
  const tied = { program: "setpriv", args: ["--pdeathsig", "KILL", program, ...args] };
  const running = exec({ ...tied, signal: stop.signal }).then(
    ({ exitCode, tail }) => {
      ended = `exit ${exitCode}: ${tail}`;
    },
    () => undefined, // ended by us
  );
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (ended !== undefined || tries > 300) throw new Error(`docker-registry did not start: ${ended ?? "no answer"}`);
    await sleep(100);
  }
  return {
    host: `127.0.0.1:${port}`,
    storage,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}
