import { join } from "node:path";
import { exec } from "../builders/host/exec.ts";

/** Makes `<name>.key` and `<name>.crt` in a folder: a certificate of `127.0.0.1` that vouches for itself, for a day. */
export async function makeCertificate(folder: string, name: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.crt`)];
  const made = await exec({ program: "openssl", args: ["req", "-x509", ...key, ...names, ...files] });
  if (made.exitCode !== 0) throw new Error(made.tail);
}
