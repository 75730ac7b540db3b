import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";

// The initramfs' own functions, run by the host's sh with a console and folders that the test can read.
const LIB = join(PROJECT, "modules.d/90powernode/powernode-lib.sh");
const UUID = "807d037f-38ff-4456-ac29-4a57f409007c";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "powernode-lib-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs `script` with the library's text, its fixed paths replaced by some below `folder`; emergency_shell ends with 9. */
async function shell(script: string, ...args: readonly string[]) {
  const lib = (await readFile(LIB, "utf8"))
    .replaceAll("/dev/console", join(folder, "console"))
    .replaceAll("/sys/firmware", join(folder, "firmware"))
    .replaceAll("/run/initramfs", join(folder, "initramfs"))
    .replaceAll("/etc/powernode", join(folder, "etc/powernode"))
    .replace("POWERNODE_RUN=/run/powernode", `POWERNODE_RUN=${folder}`)
    .replaceAll(/>(?=\S*console)/g, ">>");
  const outcome = await exec({
    program: "sh",
    args: ["-euc", `${lib}\nemergency_shell() { exit 9; }\n${script}`, "sh", ...args],
    env: { ...PLAIN_ENV, PATH: `${join(folder, "bin")}:${PLAIN_ENV["PATH"]}` },
  });
  const console = await readFile(join(folder, "console"), "utf8").catch(() => "");
  return { ...outcome, console };
}

async function write(path: string, text: string, mode = 0o644): Promise<void> {
  const file = join(folder, path);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, text, { mode });
}
const FW_CFG = "firmware/qemu_fw_cfg/by_name/opt/com.powernode/instance_uuid/raw";
const LOCAL_ID = "etc/powernode/local-id";
const claimed = () => readFile(join(folder, "identity"), "utf8");

describe("pn_is_digest", () => {
  it("takes a full SHA-256 digest and nothing else", async () => {
    expect((await shell('pn_is_digest "$1"', `sha256:${"0a".repeat(32)}`)).exitCode).toBe(0);
    for (const wrong of [
      "",
      "0a".repeat(32),
      `sha256:${"0a".repeat(31)}`,
      `sha256:${"0A".repeat(32)}`,
      `sha512:${"0a".repeat(32)}`,
    ]) {
      expect((await shell('pn_is_digest "$1"', wrong)).exitCode, wrong).not.toBe(0);
    }
  });
});

describe("pn_claim_identity", () => {
  it("takes fw-cfg before local-id, and writes it in lower case", async () => {
    await write(FW_CFG, UUID.toUpperCase());
    await write(LOCAL_ID, "11111111-1111-4111-8111-111111111111\n");
    await shell('pn_claim_identity "$1"', folder);
    expect(await claimed()).toBe(`instance_uuid=${UUID}\nidentity_source=fw-cfg\n`);
  });
  it("takes local-id of the initramfs before that of the root", async () => {
    await write(LOCAL_ID, `${UUID}\n`);
    await shell('pn_claim_identity "$1"', folder);
    expect(await claimed()).toBe(`instance_uuid=${UUID}\nidentity_source=local-id\n`);
  });
  it("takes local-id of the root", async () => {
    await write(join("root", LOCAL_ID), "");
    const root = join(folder, "root");
    await mkdir(join(root, folder, "etc/powernode"), { recursive: true });
    await writeFile(join(root, folder, LOCAL_ID), UUID);
    await shell('pn_claim_identity "$1"', root);
    expect(await claimed()).toBe(`instance_uuid=${UUID}\nidentity_source=local-id\n`);
  });
  it("passes over what is no UUID, and says so", async () => {
    await write(FW_CFG, "not-a-uuid");
    await write(LOCAL_ID, UUID);
    const { console } = await shell('pn_claim_identity "$1"', folder);
    expect(console).toContain("no UUID on the first line of");
    expect(await claimed()).toContain("identity_source=local-id");
  });
  it("claims none where there is none", async () => {
    await shell('pn_claim_identity "$1"', folder);
    expect(await claimed()).toBe("instance_uuid=none\nidentity_source=none\n");
  });
});

describe("pn_verify", () => {
  const expected = `sha256:${"ab".repeat(32)}`;
  beforeEach(async () => {
    await write("image", "12345678");
    await write("bin/fsverity", `#!/bin/sh\necho ${"ab".repeat(32)}\n`, 0o755);
  });
  it("accepts size and digest", async () => {
    const { stdout } = await shell('pn_verify "$1" 8 "$2"; echo "$pn_computed"', join(folder, "image"), expected);
    expect(stdout).toBe(`${expected}\n`);
  });
  it("refuses another digest with both on the console", async () => {
    const other = `sha256:${"cd".repeat(32)}`;
    const { exitCode, console } = await shell('pn_verify "$1" 8 "$2"; echo on', join(folder, "image"), other);
    expect(exitCode).toBe(9);
    expect(console).toContain(`expected: ${other}`);
    expect(console).toContain(`computed: ${expected}`);
  });
  it("refuses another size before it reads a byte", async () => {
    await write("bin/fsverity", "#!/bin/sh\nexit 1\n", 0o755);
    const { exitCode, console } = await shell('pn_verify "$1" 7 "$2"', join(folder, "image"), expected);
    expect(exitCode).toBe(9);
    expect(console).toContain("the root image has the wrong size");
  });
  it("refuses an image that cannot be read", async () => {
    await write("bin/fsverity", "#!/bin/sh\nexit 1\n", 0o755);
    const { exitCode, console } = await shell('pn_verify "$1" 8 "$2"', join(folder, "image"), expected);
    expect(exitCode).toBe(9);
    expect(console).toContain("the root image cannot be read");
  });
});
