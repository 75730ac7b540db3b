import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { digestOf } from "../../builders/contract/digest.ts";
import { readManifestLinks } from "../../controller/domain/manifest-links.ts";
import { OCI } from "../../controller/domain/oci.ts";
import { sendFile, startFileServer } from "./file-server.ts";

export type RegistryServerOptions = {
  /** entries per page of the referrers API; without it the registry has none */
  readonly referrersPage?: number;
  /** `user:password` that it wants, directly or for a token */
  readonly auth?: { readonly kind: "basic" | "bearer"; readonly pair: string };
  /** whether an upload that broke off can go on */
  readonly resumes?: boolean;
  /** how many bytes of the first, second, … body of an upload arrive before the connection breaks */
  readonly cuts?: readonly number[];
  /** answers a request in its stead; false: it is answered as usual */
  readonly fault?: (request: IncomingMessage, response: ServerResponse, nth: number) => boolean;
};

type Repository = {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { readonly mediaType: string; readonly bytes: Buffer }>;
  readonly tags: Map<string, string>;
};

/** A registry in memory behind http on loopback, after the distribution-spec 1.1; faults are up to the test. */
export async function startRegistryServer(options: RegistryServerOptions = {}) {
  const repositories = new Map<string, Repository>();
  const uploads = new Map<string, Buffer>();
  const tokens = new Map<string, readonly string[]>();
  /** Authorization headers as they came, undefined for none */
  const authorizations: (string | undefined)[] = [];
  const cuts = [...(options.cuts ?? [])];

  const repository = (name: string): Repository => {
    const found = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    repositories.set(name, found);
    return found;
  };
  const fail = (response: ServerResponse, status: number, code: string, headers = {}): void => {
    response.writeHead(status, headers).end(JSON.stringify({ errors: [{ code, message: "as the test wants" }] }));
  };

  function isAllowed(request: IncomingMessage, response: ServerResponse, url: URL, name: string): boolean {
    const { auth } = options;
    const given = request.headers.authorization;
    authorizations.push(given);
    if (auth === undefined) return true;
    if (auth.kind === "basic") {
      if (given === `Basic ${Buffer.from(auth.pair).toString("base64")}`) return true;
      fail(response, 401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
      return false;
    }
    const rights: Readonly<Record<string, string>> = { GET: "pull", HEAD: "pull", DELETE: "delete" };
    const action = rights[request.method ?? ""] ?? "push";
    const scopes = tokens.get(given?.replace("Bearer ", "") ?? "") ?? [];
    const holds = (path: string, right: string) =>
      scopes.some((scope) => scope.startsWith(`repository:${path}:`) && scope.includes(right));
    const from = url.searchParams.get("from");
    if (holds(name, action) && (from === null || holds(from, "pull"))) return true;
    const challenge = `Bearer realm="http://${request.headers.host}/token",service="a, b",scope="repository:${name}:${action}"`;
    fail(response, 401, "UNAUTHORIZED", { "www-authenticate": challenge });
    return false;
  }

  function giveToken(request: IncomingMessage, response: ServerResponse, url: URL): void {
    authorizations.push(request.headers.authorization);
    const wanted = `Basic ${Buffer.from(options.auth?.pair ?? "").toString("base64")}`;
    if (request.headers.authorization !== wanted || url.searchParams.get("service") !== "a, b") {
      fail(response, 401, "UNAUTHORIZED");
      return;
    }
    const token = randomUUID();
    tokens.set(token, url.searchParams.getAll("scope"));
    response.end(JSON.stringify({ token, expires_in: 300 }));
  }

  /** Adds what arrives to an upload; false if the connection is cut on the way. */
  async function receive(request: IncomingMessage, id: string): Promise<boolean> {
    const cut = Number(request.headers["content-length"] ?? 0) > 0 ? cuts.shift() : undefined;
    let bytes = uploads.get(id) ?? Buffer.alloc(0);
    const end = cut === undefined ? Number.POSITIVE_INFINITY : bytes.length + cut;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes = Buffer.concat([bytes, chunk]).subarray(0, end);
        uploads.set(id, bytes);
        if (bytes.length === end) {
          request.socket.destroy();
          return false;
        }
      }
      return true;
    } catch {
      return false; // the client went away
    }
  }

  async function blob(request: IncomingMessage, response: ServerResponse, url: URL, name: string, rest: string) {
    const { blobs } = repository(name);
    if (!rest.startsWith("uploads/")) {
      const found = blobs.get(rest);
      if (found === undefined) fail(response, 404, "BLOB_UNKNOWN");
      else if (request.method === "HEAD") response.writeHead(200, { "content-length": found.length }).end();
      else sendFile(request, response, found);
      return;
    }
    const id = rest.slice("uploads/".length);
    const at = (upload: string) => `/v2/${name}/blobs/uploads/${upload}?state=a%2Fb`;
    if (request.method === "POST") {
      const mount = url.searchParams.get("mount") ?? "";
      const mounted = repository(url.searchParams.get("from") ?? "").blobs.get(mount);
      if (mounted !== undefined) {
        blobs.set(mount, mounted);
        response.writeHead(201, { location: `/v2/${name}/blobs/${mount}` }).end();
        return;
      }
      const upload = randomUUID();
      uploads.set(upload, Buffer.alloc(0));
      response.writeHead(202, { location: at(upload) }).end();
      return;
    }
    const present = uploads.get(id);
    if (present === undefined || url.searchParams.get("state") !== "a/b") {
      fail(response, 404, "BLOB_UPLOAD_UNKNOWN");
      return;
    }
    if (request.method === "GET") {
      if (options.resumes === true) response.writeHead(204, { range: `0-${Math.max(0, present.length - 1)}` }).end();
      else fail(response, 404, "BLOB_UPLOAD_UNKNOWN");
      return;
    }
    const range = request.headers["content-range"];
    if (range !== undefined && !range.startsWith(`${present.length}-`)) {
      fail(response, 416, "RANGE_INVALID");
      return;
    }
    if (!(await receive(request, id))) return;
    const bytes = uploads.get(id) ?? Buffer.alloc(0);
    if (request.method === "PATCH") {
      response.writeHead(202, { location: at(id), range: `0-${bytes.length - 1}` }).end();
      return;
    }
    uploads.delete(id);
    const digest = url.searchParams.get("digest") ?? "";
    if (digestOf(bytes) !== digest) {
      fail(response, 400, "DIGEST_INVALID");
      return;
    }
    blobs.set(digest, bytes);
    response.writeHead(201, { "docker-content-digest": digest, location: `/v2/${name}/blobs/${digest}` }).end();
  }

  async function manifest(request: IncomingMessage, response: ServerResponse, name: string, reference: string) {
    const { blobs, manifests, tags } = repository(name);
    if (request.method === "DELETE") {
      if (manifests.delete(reference)) response.writeHead(202).end();
      else fail(response, 404, "MANIFEST_UNKNOWN");
      return;
    }
    if (request.method !== "PUT") {
      const digest = tags.get(reference) ?? reference;
      const found = manifests.get(digest);
      if (found === undefined) fail(response, 404, "MANIFEST_UNKNOWN");
      else {
        response.writeHead(200, { "content-type": found.mediaType, "docker-content-digest": digest }).end(found.bytes);
      }
      return;
    }
    const bytes = await buffer(request);
    const links = readManifestLinks(request.headers["content-type"] ?? "", bytes);
    const isWhole =
      links.blobs.every(({ digest }) => blobs.has(digest)) &&
      links.manifests.every(({ digest }) => manifests.has(digest));
    if (!isWhole) {
      fail(response, 400, "MANIFEST_BLOB_UNKNOWN");
      return;
    }
    const { mediaType, digest } = links.descriptor;
    manifests.set(digest, { mediaType, bytes });
    if (reference !== digest) tags.set(reference, digest);
    response.writeHead(201, { "docker-content-digest": digest, location: `/v2/${name}/manifests/${digest}` }).end();
  }

  function referrers(response: ServerResponse, url: URL, name: string, subject: string): void {
    const page = options.referrersPage;
    if (page === undefined) {
      response.writeHead(404).end("404 page not found\n");
      return;
    }
    const all = [...repository(name).manifests.values()]
      .map(({ mediaType, bytes }) => readManifestLinks(mediaType, bytes))
      .flatMap((links) => (links.subject === subject ? [links.descriptor] : []));
    const first = Number(url.searchParams.get("first") ?? 0);
    const next = `${url.pathname}?first=${first + page}`;
    const link = first + page < all.length ? { link: `<${next}>; rel="next"` } : {};
    const manifests = all.slice(first, first + page);
    response
      .writeHead(200, { "content-type": OCI.index, ...link })
      .end(JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests }));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://registry");
    if (url.pathname === "/token") return giveToken(request, response, url);
    const [, name, kind, rest] = /^\/v2\/(.+?)\/(blobs|manifests|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (name === undefined || rest === undefined) return fail(response, 404, "NAME_UNKNOWN");
    if (!isAllowed(request, response, url, name)) return;
    if (kind === "blobs") await blob(request, response, url, name, rest);
    else if (kind === "manifests") await manifest(request, response, name, rest);
    else referrers(response, url, name, rest);
  }

  const server = await startFileServer((request, response, nth) => {
    if (options.fault?.(request, response, nth) === true) return;
    answer(request, response).catch((error: unknown) =>
      fail(response, 400, "MANIFEST_INVALID", { why: String(error) }),
    );
  });
  return { ...server, repository, authorizations, host: server.url.host };
}
