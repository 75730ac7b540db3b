import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { exec } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../../controller/domain/errors.ts";
import type { ApiAccess } from "./api.ts";

/** Who may talk to the API server: name and groups, as RBAC's default bindings know them. */
const USERS = {
  admin: { user: "admin", groups: "system:masters" },
  "controller-manager": { user: "system:kube-controller-manager", groups: "" },
  scheduler: { user: "system:kube-scheduler", groups: "" },
  node: { user: "system:node:node", groups: "system:nodes" },
  "node-2": { user: "system:node:node-2", groups: "system:nodes" },
} as const;
export type ClusterUser = keyof typeof USERS;

/** Where a cluster's API server answers inside its network; 10.96.0.1 is what pods are told. */
export const ADDRESSES = ["127.0.0.1", "10.96.0.1", "10.244.0.1"] as const;

async function openssl(...args: readonly string[]): Promise<void> {
  const outcome = await exec({ program: "openssl", args });
  if (outcome.exitCode === 0) return;
  throw new ReleaseError("Internal", `openssl ended with ${outcome.exitCode}: ${outcome.tail}`, "read the line above");
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];

/**
 * Makes a cluster's keys, certificates and tokens in `folder`: `ca`, `apiserver` and `kubelet-client` as .crt and .key,
 * `service-accounts.key`, and `tokens.csv` (the API server's --token-auth-file).
 * @returns the token of each user
 */
export async function makeCredentials(folder: string): Promise<Readonly<Record<ClusterUser, string>>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name: string) => join(folder, name);
  const sign = (name: string, subject: string, extensions: readonly string[]) =>
    openssl(
      ...["req", "-x509", "-CA", at("ca.crt"), "-CAkey", at("ca.key"), ...newKey, "-subj", subject],
      ...["-keyout", at(`${name}.key`), "-out", at(`${name}.crt`)],
      ...["basicConstraints=critical,CA:FALSE", ...extensions].flatMap((extension) => ["-addext", extension]),
    );
  await openssl(
    ...["req", "-x509", ...newKey, "-subj", "/CN=imgrel test cluster", "-keyout", at("ca.key"), "-out", at("ca.crt")],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  );
  const names = [
    ...["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"].map((name) => `DNS:${name}`),
    ...ADDRESSES.map((address) => `IP:${address}`),
  ];
  await Promise.all([
    sign("apiserver", "/CN=kube-apiserver", [`subjectAltName=${names.join(",")}`, "extendedKeyUsage=serverAuth"]),
    sign("kubelet-client", "/O=system:masters/CN=kube-apiserver", ["extendedKeyUsage=clientAuth"]),
  ]);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(at("service-accounts.key"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const tokens = Object.fromEntries(
    Object.keys(USERS).map((user) => [user, randomBytes(24).toString("base64url")]),
  ) as Record<ClusterUser, string>;
  const lines = Object.entries(USERS).map(
    ([name, { user, groups }]) => `${tokens[name as ClusterUser]},${user},${name},${groups}\n`,
  );
  await writeFile(at("tokens.csv"), lines.join(""), { mode: 0o600 });
  return tokens;
}

/** A kubeconfig (v1 Config) in JSON, which is YAML. */
export const kubeconfig = (server: string, ca: string, token: string): string =>
  `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "cluster",
          cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") },
        },
      ],
      users: [{ name: "user", user: { token } }],
      contexts: [{ name: "cluster", context: { cluster: "cluster", user: "user" } }],
      "current-context": "cluster",
    },
    null,
    2,
  )}\n`;

const Kubeconfig = z.object({
  clusters: z.tuple([z.object({ cluster: z.object({ server: z.url(), "certificate-authority-data": z.base64() }) })]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
});

/** What {@link kubeconfig} wrote. */
export function accessFrom(text: string): ApiAccess {
  const { clusters, users } = Kubeconfig.parse(JSON.parse(text));
  const { server, "certificate-authority-data": ca } = clusters[0].cluster;
  return {
    port: Number(new URL(server).port),
    ca: Buffer.from(ca, "base64").toString("utf8"),
    token: users[0].user.token,
  };
}
