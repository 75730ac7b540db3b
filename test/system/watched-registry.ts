import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request to a registry, as far as it has come. */
export type Exchange = {
  readonly method: string;
  readonly path: string;
  /** bytes of its body that the registry was sent */
  readonly sent: number;
  /** status of the registry's answer, which the client has not got yet; null before it */
  readonly answered: number | null;
};

/** Whether an exchange has come far enough; as long as that is not decided it is held. */
export type Watch = (exchange: Exchange) => boolean | Promise<boolean>;

export type WatchedRegistry = AsyncDisposable & {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /**
   * The first exchange that is `at` gets no further: `onCut` is called, and all connections that are there break. Asked
   * before anything of a request is passed on, after each piece of it, and before its answer is.
   */
  readonly cut: (at: Watch, onCut: () => void) => void;
};

/** A way to the registry at `host`, plain http, whose requests a test sees as they happen. */
export async function startWatchedRegistry(host: string): Promise<WatchedRegistry> {
  const agent = new Agent({ keepAlive: true });
  let armed: { readonly at: Watch; readonly onCut: () => void } | undefined;
  const isCut = async (exchange: Exchange): Promise<boolean> => {
    const asked = armed;
    if (asked === undefined || !(await asked.at(exchange))) return false;
    if (armed !== asked) return true; // while it was held
    armed = undefined;
    asked.onCut();
    server.closeAllConnections();
    return true;
  };

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = incoming;
    const seen = { method, path, sent: 0, answered: null };
    if (await isCut(seen)) return;
    const upstream = request(`http://${host}${path}`, { method, headers, agent });
    const broken = () => {
      upstream.destroy();
      response.destroy();
    };
    upstream.on("error", broken);
    upstream.on("response", (answer) => {
      const status = answer.statusCode ?? 502;
      void isCut({ ...seen, answered: status }).then((cut) => {
        if (cut) return broken();
        response.writeHead(status, answer.headers);
        answer.pipe(response);
        answer.on("error", broken);
      });
    });
    try {
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        if (!upstream.write(chunk)) await once(upstream, "drain");
        seen.sent += chunk.length;
        if (await isCut(seen)) return broken();
      }
      upstream.end();
    } catch {
      broken(); // the client is gone, or the registry
    }
  }

  const server = createServer((incoming, response) => void pass(incoming, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    cut: (at, onCut) => {
      armed = { at, onCut };
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}
