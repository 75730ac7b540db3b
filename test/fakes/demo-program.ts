import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import { BuildError } from "../../builders/contract/build-failure.ts";
import { type CommandContext, outputOption } from "../../controller/commands/command.ts";
import { runProcess } from "../../controller/commands/process.ts";
import type { CommandEntry } from "../../controller/commands/table.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";

/** A program of our own frame whose commands end in every way a command can; tests and eyes look at it. */
type Ending = (context: CommandContext, options: Readonly<Record<string, string>>) => Promise<void> | void;

const entry = (name: string, ending: Ending): CommandEntry => ({
  name,
  summary: `ends: ${name}`,
  load: async () => ({
    register: (program, context) => {
      program
        .command(name)
        .option("--seconds <n>", "how long it takes", "1")
        .addOption(outputOption())
        .action((options: Readonly<Record<string, string>>) => ending(context, options));
    },
  }),
});

async function steps({ report, signal, stdout, stderr }: CommandContext, seconds: number): Promise<void> {
  const wait = (share: number) => sleep(share * seconds * 1000, undefined, { signal });
  const cost = { userSeconds: 1.25, systemSeconds: 0.25 };
  report({ event: "started", step: "fetch" });
  for (let done = 0; done <= 10; done++) {
    const bytes = { done: done * 40_000_000, total: 400_000_000, unit: "bytes" as const };
    report({ event: "action", step: "fetch", text: `linux-image-amd64 ${done}`, ...bytes });
    await wait(0.02);
  }
  report({ event: "finished", step: "fetch", wallSeconds: 0.2 * seconds, ...cost, bytes: 400_000_000 });
  stdout("fetched 212 packages");
  report({ event: "started", step: "root" });
  report({ event: "action", step: "root", text: "mmdebstrap: setting up libc6 (2.41-12) and a great many words more" });
  await wait(0.3);
  report({ event: "finished", step: "root", wallSeconds: 0.3 * seconds, ...cost, bytes: 731_000_000 });
  report({ event: "started", step: "root image" });
  report({ event: "started", step: "initramfs", text: "dracut" });
  stderr("hint: two steps run side by side");
  for (let done = 0; done < 7; done++) {
    report({
      event: "action",
      step: "initramfs",
      text: "dracut: \u001b[31mInstalling\u001b[0m module",
      done,
      total: 7,
      unit: "items",
    });
    report({ event: "action", step: "root image", text: "mkfs.erofs" });
    await wait(0.06);
  }
  report({ event: "failed", step: "initramfs", text: "dracut ended with code 1" });
  await wait(0.1);
  report({ event: "finished", step: "root image", wallSeconds: 0.5 * seconds, ...cost, text: "lz4hc" });
}

const COMMANDS: readonly CommandEntry[] = [
  entry("succeed", ({ stdout }) => stdout("result")),
  entry("report", ({ stdout, exitCode }) => {
    stdout("not the same");
    exitCode(3);
  }),
  entry("release-error", () => {
    throw new ReleaseError("InputMissing", "the lock is not there\u001b[2J", "run imgrel lock specs/demo");
  }),
  entry("build-error", () => {
    throw new BuildError({
      code: "ToolMissing",
      step: "root",
      message: "mmdebstrap is not there",
      remedy: "install it",
      logTail: "line one\n\nline \u001b[31mtwo\n",
    });
  }),
  entry("disk-full", () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  }),
  entry("bug", ({ log }) => {
    log.info("about to fail", { user: "me", token: "hunter2", nested: [{ password: "hunter2" }] });
    throw new TypeError("undefined is not a function");
  }),
  entry("late-bug", async () => {
    setTimeout(() => {
      throw new RangeError("nobody awaits this");
    }, 10);
    await sleep(10_000);
  }),
  entry("stray-argument-error", () => {
    throw new InvalidArgumentError("thrown outside of parsing");
  }),
  entry("hang", async () => {
    await new Promise(() => undefined);
  }),
  entry("interrupted", async ({ report, signal }) => {
    report({ event: "started", step: "root" });
    process.kill(process.pid, "SIGINT");
    await sleep(60_000, undefined, { signal });
  }),
  entry("terminated", async ({ signal, stdout, exitCode }) => {
    process.kill(process.pid, "SIGTERM");
    await sleep(60_000, undefined, { signal }).catch(() => stdout("tidied up"));
    exitCode(5);
  }),
  entry("stubborn", async () => {
    for (const pause of [0, 50]) {
      await sleep(pause);
      process.kill(process.pid, "SIGINT");
    }
    await sleep(60_000);
  }),
  entry("stuck", async ({ signal }) => {
    process.kill(process.pid, "SIGTERM");
    await sleep(60_000, undefined, { signal }).catch(() => new Promise(() => undefined));
  }),
  entry("chatter", async ({ signal, stdout }) => {
    for (;;) {
      stdout("one more line");
      await sleep(1, undefined, { signal });
    }
  }),
  {
    ...entry("serve", ({ log, stderr }) => {
      log.info("serving");
      stderr("a word");
    }),
    logs: true,
  },
  entry("steps", (context, options) => steps(context, Number(options["seconds"]))),
];

void runProcess(process.argv.slice(2), COMMANDS);
