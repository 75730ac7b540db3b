import { z } from "zod";

/**
 * How the surroundings of one run differ from another's, so that nothing of them can hide in the bytes
 * (docs/reproducibility.md). The request and all inputs are the same.
 */
export const Variation = z.strictObject({
  hostname: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  /** octal digits, as umask(1) takes them */
  umask: z.string().regex(/^0[0-7]{3}$/),
  timeZone: z.string(),
  locale: z.string(),
  /** days that the clock of every tool is ahead (libfaketime; static programs see the real one) */
  clockOffsetDays: z.int().nonnegative(),
  /** CPU numbers that the run may use, as taskset(1) takes them; null for all */
  cpus: z
    .string()
    .regex(/^[0-9,-]+$/)
    .nullable(),
  /** `memory`: the work folder is a tmpfs, whose folders list their entries in another order than a disk's */
  workFileSystem: z.enum(["disk", "memory"]),
  /** user ID that owns the work folder */
  workOwner: z.int().nonnegative(),
  /** further variables of the environment, which must mean nothing */
  noise: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.string()),
});
export type Variation = z.infer<typeof Variation>;

/** The plain surroundings: those of run 1, of a boot and of building a toolchain. */
export const PLAIN: Variation = {
  hostname: "builder",
  umask: "0022",
  timeZone: "UTC",
  locale: "C.UTF-8",
  clockOffsetDays: 0,
  cpus: null,
  workFileSystem: "disk",
  workOwner: 0,
  noise: {},
};

/** What a machine lets a run vary. */
export type MachineFacts = { readonly cpus: number; readonly memoryAvailableBytes: number };

/** Memory that a run in memory needs for root, images and what the tools themselves take. */
export const MEMORY_FOR_TMPFS = 6 * 1024 ** 3;

/** One line of a record: what was varied, or what could not be and why. */
export type VariedAspect = { readonly aspect: string; readonly values: string | null; readonly why: string };

/**
 * The surroundings of run `run` (from 1) on a machine. Run 1 is plain; each further one differs from it in every way
 * that the machine allows.
 */
export function variationOf(run: number, machine: MachineFacts): Variation {
  if (run === 1) return PLAIN;
  return {
    hostname: `other-machine-${run}`,
    umask: "0077",
    timeZone: "Pacific/Kiritimati",
    locale: "C",
    clockOffsetDays: 397 * (run - 1),
    cpus: machine.cpus > 1 ? String((run - 2) % machine.cpus) : null,
    workFileSystem: machine.memoryAvailableBytes >= MEMORY_FOR_TMPFS ? "memory" : "disk",
    workOwner: 65_532,
    noise: { EDITOR: "vi", MAIL: "/var/mail/nobody", XDG_SESSION_ID: String(run), PERL5OPT: "" },
  };
}

/** What differs between two runs on one machine, and what does not, for people and for the record. */
export function variedAspects(first: Variation, second: Variation): VariedAspect[] {
  const row = (aspect: string, a: string | number, b: string | number, why: string): VariedAspect => ({
    aspect,
    values: a === b ? null : `${a} / ${b}`,
    why,
  });
  const oneCpu = "the machine has one CPU";
  const littleMemory = "the machine has too little free memory for a run in tmpfs";
  return [
    row("host name", first.hostname, second.hostname, ""),
    row("umask", first.umask, second.umask, ""),
    row("time zone", first.timeZone, second.timeZone, ""),
    row("locale", first.locale, second.locale, ""),
    row("clock, days ahead", first.clockOffsetDays, second.clockOffsetDays, ""),
    row("CPUs", first.cpus ?? "all", second.cpus ?? "all", oneCpu),
    row("work file system", first.workFileSystem, second.workFileSystem, littleMemory),
    row("owner of the work folder", first.workOwner, second.workOwner, ""),
    row("environment", Object.keys(first.noise).length, Object.keys(second.noise).length, ""),
    { aspect: "machine", values: null, why: "both runs are on this machine, under one kernel" },
  ];
}
