import dgram from "node:dgram";
import { lookup } from "node:dns";
import { Resolver } from "node:dns/promises";
import { createServer, connect, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { refuseNetwork } from "./refuse-network.ts";

const server = createServer((socket) => {
  connections += 1;
  socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  socket.resume();
});
let connections = 0;
let port = 0;
beforeEach(async () => {
  connections = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

describe("refuseNetwork", () => {
  it("lets nothing out, until it is taken back", async () => {
    const restore = refuseNetwork();
    try {
      expect(() => connect(port, "127.0.0.1")).toThrow("--offline: connect");
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow("fetch failed");
      expect(() => lookup("localhost", () => undefined)).toThrow("--offline: lookup");
      expect(() => new Resolver().resolve4("localhost")).toThrow("--offline: resolve4");
      const socket = dgram.createSocket("udp4");
      expect(() => socket.send("x", port, "127.0.0.1")).toThrow("--offline: send");
      socket.close();
      expect(connections).toBe(0);
    } finally {
      restore();
    }
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(204);
    expect(connections).toBe(1);
  });
});
