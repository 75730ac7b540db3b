import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How a seccomp filter knows an architecture (linux/audit.h), and its numbers of the calls that wait for a disk. */
const ARCHES: Readonly<Record<string, { readonly audit: number; readonly calls: readonly number[] }>> = {
  // sync, fsync, fdatasync, syncfs, sync_file_range (asm/unistd_64.h; asm-generic/unistd.h)
  x64: { audit: 0xc000_003e, calls: [162, 74, 75, 306, 277] },
  arm64: { audit: 0xc000_00b7, calls: [81, 82, 83, 267, 84] },
};

/** Instructions of classic BPF (linux/bpf_common.h), return values (linux/seccomp.h), and struct seccomp_data. */
const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const ALLOW = 0x7fff_0000;
const SUCCEED = 0x0005_0000; // SECCOMP_RET_ERRNO with no error
const DATA = { call: 0, arch: 4 } as const;

/**
 * A seccomp filter, as setpriv(1) loads it, under which a program's sync, fsync and their like succeed without doing
 * anything; all else is allowed. A program of another architecture is left alone.
 * @param arch as `process.arch` names it
 * @throws RangeError for one that imgrel does not build on
 */
export function noSyncFilter(arch: string): Buffer {
  const known = ARCHES[arch];
  if (known === undefined) throw new RangeError(`no system call numbers for ${arch}`);
  const { audit, calls } = known;
  const code = [
    { code: LOAD, k: DATA.arch },
    { code: JUMP_IF_EQUAL, k: audit, no: calls.length + 1 },
    { code: LOAD, k: DATA.call },
    // each jumps over the calls behind it and the first return
    ...calls.map((call, index) => ({ code: JUMP_IF_EQUAL, k: call, yes: calls.length - index })),
    { code: RETURN, k: ALLOW },
    { code: RETURN, k: SUCCEED },
  ];
  const program = Buffer.alloc(code.length * 8); // struct sock_filter
  code.forEach((instruction, index) => {
    program.writeUInt16LE(instruction.code, index * 8);
    program.writeUInt8("yes" in instruction ? instruction.yes : 0, index * 8 + 2);
    program.writeUInt8("no" in instruction ? instruction.no : 0, index * 8 + 3);
    program.writeUInt32LE(instruction.k, index * 8 + 4);
  });
  return program;
}

const written = new Map<string, Promise<string>>();

/**
 * A command under {@link noSyncFilter}: a run that did not end is done again from its start, so nothing of it has to
 * reach the disk before the next step, and whoever uses a finished run hashes all of it first.
 * @param work the run's folder, where the filter is kept
 * @throws NodeJS.ErrnoException if it cannot be written
 */
export async function withoutSync(work: string, program: string, args: readonly string[]) {
  const file = join(work, "no-sync.bpf");
  const ready = written.get(file) ?? writeFile(file, noSyncFilter(process.arch)).then(() => file);
  written.set(file, ready);
  return { program: "setpriv", args: ["--seccomp-filter", await ready, "--", program, ...args] };
}

/** Whether {@link withoutSync} found no such program: setpriv's words for it (util-linux, lib/exec_shell and c.h). */
export const wasNotFound = (program: string, outcome: { readonly exitCode: number; readonly tail: string }): boolean =>
  outcome.exitCode === 127 && outcome.tail.includes(`setpriv: failed to execute ${program}: No such file`);
