import { createHmac } from "node:crypto";
import { IMGREL_ENV } from "./imgrel.ts";
import { eventually } from "./system/cluster/eventually.ts";
import { startImgrel } from "./system/running-imgrel.ts";

/** Long for a busy machine. */
const LIMIT = { seconds: 90 };

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** `imgrel controller` as a process of its own, at free ports of loopback, with the arguments given besides. */
export function startController(...args: readonly string[]) {
  const lines: string[] = [];
  const addresses = ["--listen", "127.0.0.1:0", "--webhook-listen", "127.0.0.1:0"];
  const { pid, outcome } = startImgrel(["controller", ...addresses, ...args], IMGREL_ENV, {
    onLog: (line) => lines.push(line),
  });
  let hasEnded = false;
  void outcome.then(() => {
    hasEnded = true;
  });
  const log = (): LogLine[] => lines.map((line) => JSON.parse(line) as LogLine);
  const told = (msg: string, fields: object = {}): Promise<LogLine> =>
    eventually(`the log says: ${msg}`, LIMIT, async () =>
      log().find((one) => one.msg === msg && Object.entries(fields).every(([name, is]) => one[name] === is)),
    );
  const at = async (what: "probes" | "webhooks") =>
    `http://127.0.0.1:${String((await told("listening", { what }))["port"])}`;
  const get = async (path: string) => {
    const reply = await fetch(`${await at("probes")}${path}`);
    return { status: reply.status, text: await reply.text() };
  };
  return {
    ...{ outcome, lines, log, told, get },
    kill: (name: NodeJS.Signals) => process.kill(pid(), name),
    /** ends it, whatever it does, unless it has ended */
    end: () => {
      if (!hasEnded) process.kill(pid(), "SIGKILL");
    },
    becomes: (status: 200 | 503) =>
      eventually(`/readyz is ${status}`, LIMIT, async () => {
        const answer = await get("/readyz");
        return answer.status === status && answer;
      }),
    /** the status of the answer to a webhook that is signed as Gitea does */
    nudge: async (source: string, body: string, key: string) => {
      const headers = { "x-gitea-signature": createHmac("sha256", key).update(body).digest("hex") };
      return (await fetch(`${await at("webhooks")}/hooks/${source}`, { method: "POST", headers, body })).status;
    },
  };
}
export type ControllerProcess = ReturnType<typeof startController>;
