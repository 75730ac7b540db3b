import { describe, expect, it } from "vitest";
import { type Health } from "../domain/health.ts";
import { serveProbes } from "./http-server.ts";

const well: Health = { failing: [] };

async function serve(livez: Health, readyz: Health) {
  const metrics = async () => ({ type: "text/plain; version=0.0.4", text: "imgrel_leader 1\n" });
  const server = await serveProbes("127.0.0.1:0", { livez: () => livez, readyz: () => readyz, metrics });
  const get = async (path: string, method = "GET") => {
    const reply = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: reply.status, type: reply.headers.get("content-type"), text: await reply.text() };
  };
  return { get, ...server };
}

describe("the probes' server", () => {
  it("says ok, or 503 and what is wrong", async () => {
    const { get, close } = await serve(well, { failing: ["releases were not read yet"] });
    for (const path of ["/healthz", "/livez?verbose"]) {
      expect(await get(path)).toMatchObject({ status: 200, text: "ok\n" });
    }
    expect(await get("/readyz")).toMatchObject({ status: 503, text: "releases were not read yet\n" });
    await close();
  });

  it("gives metrics with their media type", async () => {
    const { get, close } = await serve(well, well);
    expect(await get("/metrics")).toEqual({
      ...{ status: 200, type: "text/plain; version=0.0.4", text: "imgrel_leader 1\n" },
    });
    await close();
  });

  it("knows no other path and no other method", async () => {
    const { get, close } = await serve(well, well);
    expect((await get("/constructor")).status).toBe(404);
    expect((await get("/livez", "POST")).status).toBe(405);
    await close();
  });

  it("answers 500 when metrics cannot be made", async () => {
    const metrics = () => Promise.reject(new Error("no"));
    const { port, close } = await serveProbes("127.0.0.1:0", { livez: () => well, readyz: () => well, metrics });
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(500);
    await close();
  });

  it("refuses what is no address", async () => {
    const probes = { livez: () => well, readyz: () => well, metrics: async () => ({ type: "", text: "" }) };
    await expect(serveProbes("8080", probes)).rejects.toMatchObject({ code: "Usage" });
  });

  it("says so when the address is taken", async () => {
    const { port, close } = await serve(well, well);
    const probes = { livez: () => well, readyz: () => well, metrics: async () => ({ type: "", text: "" }) };
    await expect(serveProbes(`127.0.0.1:${port}`, probes)).rejects.toThrow(/cannot listen at .*EADDRINUSE/);
    await close();
  });
});
