import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HttpListener } from "./http-listener.ts";
import { serveNudges } from "./nudge-server.ts";

const KEY = "s3cret";
const MIB = 1024 * 1024;
const signed = (body: Uint8Array, key = KEY): string => createHmac("sha256", key).update(body).digest("hex");

let server: HttpListener;
const nudged: string[] = [];
beforeAll(async () => {
  const hooks = {
    keyOf: async (source: string) => {
      if (source === "locked") throw new Error("no right to read the Secret");
      return source === "releases" ? KEY : null;
    },
    nudged: (source: string) => void nudged.push(source),
  };
  server = await serveNudges("127.0.0.1:0", hooks, 1000);
});
afterAll(() => server.close());
beforeEach(() => {
  nudged.length = 0;
});

async function post(body: Uint8Array, headers: Readonly<Record<string, string>>, path = "/hooks/releases") {
  const reply = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    ...{ method: "POST", headers },
    body: new Uint8Array(body),
  });
  return { status: reply.status, text: await reply.text() };
}
const gitea = (body: Uint8Array, key = KEY) => ({ "x-gitea-signature": signed(body, key) });
const github = (body: Uint8Array, key = KEY) => ({ "x-hub-signature-256": `sha256=${signed(body, key)}` });
const BODY = Buffer.from('{"ref":"refs/heads/main"}');

describe("a webhook", () => {
  it("that is signed with the source's key is accepted, whatever it says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom(gitea, github), async (body, sign) => {
        nudged.length = 0;
        expect(await post(body, sign(body))).toEqual({ status: 202, text: "" });
        expect(nudged).toEqual(["releases"]);
      }),
      { numRuns: 30 },
    );
  });
  it("that is signed with another key, for another body, or not at all, is 401 and wakes nobody", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), async (body, at) => {
        const altered = Uint8Array.from(body);
        altered[at % body.length] = (altered[at % body.length] ?? 0) ^ 1;
        expect((await post(altered, gitea(body))).status).toBe(401);
      }),
      { numRuns: 20 },
    );
    expect((await post(BODY, gitea(BODY, "guess"))).status).toBe(401);
    expect((await post(BODY, github(BODY, ""))).status).toBe(401);
    expect((await post(BODY, {})).status).toBe(401);
    expect((await post(BODY, { "x-gitea-signature": signed(BODY).slice(2) })).status).toBe(401);
    expect((await post(BODY, { "x-gitlab-token": KEY })).status).toBe(401);
    expect(nudged).toEqual([]);
  });
  it("of a source that has none is 404, of one whose key cannot be read 503", async () => {
    expect((await post(BODY, gitea(BODY), "/hooks/other")).status).toBe(404);
    expect((await post(BODY, gitea(BODY), "/hooks/releases/x")).status).toBe(404);
    expect((await post(BODY, gitea(BODY), "/metrics")).status).toBe(404);
    expect((await post(BODY, gitea(BODY), "/hooks/locked")).status).toBe(503);
    expect(nudged).toEqual([]);
  });
  it("is a POST", async () => {
    const reply = await fetch(`http://127.0.0.1:${server.port}/hooks/releases`);
    expect([reply.status, reply.headers.get("allow")]).toEqual([405, "POST"]);
  });
  it("has at most 1 MiB, whether it says its length before or not", async () => {
    const most = randomBytes(MIB);
    expect((await post(most, gitea(most))).status).toBe(202);
    const long = randomBytes(MIB + 1);
    expect((await post(long, gitea(long))).status).toBe(413);
    const reply = await fetch(`http://127.0.0.1:${server.port}/hooks/releases`, {
      ...{ method: "POST", headers: gitea(long), duplex: "half" as const },
      body: new Blob([long]).stream(),
    });
    expect(reply.status).toBe(413);
    expect(nudged).toEqual(["releases"]);
  });
  it("that breaks off, or does not come to its end in time, wakes nobody and stops nobody", async () => {
    const head = `POST /hooks/releases HTTP/1.1\r\nhost: x\r\nx-gitea-signature: ${signed(BODY)}\r\ncontent-length: 25\r\n\r\n`;
    const broken = connect(server.port, "127.0.0.1");
    broken.write(`${head}{"ref"`);
    await once(broken, "ready");
    broken.destroy();
    const slow = connect(server.port, "127.0.0.1");
    slow.write(`${head}{"ref"`);
    expect(await text(slow)).toMatch(/^(HTTP\/1.1 408 |$)/);
    expect(nudged).toEqual([]);
    expect((await post(BODY, gitea(BODY))).status).toBe(202);
  });
});
