import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "../builders/host/exec.ts";
import { type DockerRegistry, startDockerRegistry } from "./docker-registry.ts";
import { runTools } from "./toolbox.ts";

/** docker-registry with a password, and a certificate by an authority of its own. */
export type GuardedRegistry = DockerRegistry & {
  /** files in PEM */
  readonly tls: { readonly certificate: string; readonly key: string };
  /** file with the authority's certificate, and its text */
  readonly caFile: string;
  readonly ca: string;
  /** a Docker configuration that knows the password */
  readonly dockerConfig: string;
};

/** An authority of our own, and a certificate by it for loopback. */
async function makeCertificates(folder: string): Promise<{ certificate: string; key: string; ca: string }> {
  const openssl = async (...args: string[]): Promise<void> => {
    const outcome = await exec({ program: "openssl", args, cwd: folder });
    if (outcome.exitCode !== 0) throw new Error(`openssl: ${outcome.tail}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const days = ["-days", "2"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", ...days, "-subj", "/CN=test");
  await openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=registry");
  await writeFile(join(folder, "names"), "subjectAltName=IP:127.0.0.1\n");
  const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
  const names = ["-extfile", "names", "-out", "server.crt"];
  await openssl("x509", "-req", "-in", "server.csr", ...authority, ...days, ...names);
  const [certificate, serverKey] = [join(folder, "server.crt"), join(folder, "server.key")];
  return { certificate, key: serverKey, ca: join(folder, "ca.crt") };
}

/** Such a registry, with all its files in `folder`, which is there; `root` of the toolchain. */
export async function startGuardedRegistry(root: string, folder: string): Promise<GuardedRegistry> {
  // crypt(3) of Debian makes bcrypt, which is what docker-registry reads
  const hash = await runTools(root, folder, `perl -e 'print crypt("pass:word", q($2b$05$abcdefghijklmnopqrstuu))'`);
  const { ca, ...tls } = await makeCertificates(folder);
  const registry = await startDockerRegistry(root, folder, { htpasswd: `user:${hash.trim()}`, tls });
  const dockerConfig = JSON.stringify({ auths: { [registry.host]: { username: "user", password: "pass:word" } } });
  return { ...registry, tls, caFile: ca, ca: await readFile(ca, "utf8"), dockerConfig };
}
