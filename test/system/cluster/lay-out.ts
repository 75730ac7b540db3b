import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VOLUME_NAMES, volumeFolder } from "./base-objects.ts";
import { type ClusterUser, kubeconfig, makeCredentials } from "./credentials.ts";
import { makeImages } from "./images.ts";
import { CNI_PLUGINS, NODE_FILES } from "./node-files.ts";
import { API_ADDRESS } from "./parts.ts";

const HERE = import.meta.dirname;

/** Everything in the cluster's folder that does not change once the node runs; the token of its admin. */
export async function layOut(folder: string, root: string, bin: string, signal: AbortSignal): Promise<string> {
  for (const part of ["cni", "etc", "lib", "log", "parts"]) await mkdir(join(folder, part));
  for (const name of VOLUME_NAMES) await mkdir(join(folder, "lib", volumeFolder(name)), { recursive: true });
  await symlink(bin, join(folder, "bin"));
  for (const script of ["init.sh", "network.sh"]) await copyFile(join(HERE, script), join(folder, script));
  await copyFile(join(HERE, "nowhere.sh"), join(folder, "cni/nowhere"));
  await chmod(join(folder, "cni/nowhere"), 0o755);
  for (const [plugin, program] of CNI_PLUGINS) await symlink(program, join(folder, "cni", plugin));
  for (const [path, text] of Object.entries(NODE_FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const [tokens] = await Promise.all([makeCredentials(join(folder, "keys")), makeImages(root, folder, signal)]);
  const ca = await readFile(join(folder, "keys/ca.crt"), "utf8");
  for (const [user, token] of Object.entries(tokens) as [ClusterUser, string][]) {
    const text = kubeconfig(`https://${API_ADDRESS}`, ca, token);
    await writeFile(join(folder, "etc", `${user}.kubeconfig`), text, { mode: 0o600 });
  }
  return tokens.admin;
}
