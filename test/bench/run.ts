import { parseArgs } from "node:util";
import { clusterReleases, idleReleases } from "./cluster.ts";
import { compareWithMkosi } from "./compare-mkosi.ts";
import { compareWithMmdebstrap } from "./compare-mmdebstrap.ts";
import { describeMachine } from "./machine-state.ts";
import { memoryWithLargeArtifacts } from "./memory.ts";
import { jobReleases } from "./jobs.ts";
import { bothRuns, peakDisk } from "./release.ts";

const USAGE = `usage: npm run bench [-- [--rounds N] [--releases N] [NAME...]]
Prints figures and asserts nothing; as root, on a machine that is otherwise quiet. Without a name, all of:
  mkosi       one run of the builder against mkosi making one disk of the same packages (5 rounds, 2 minutes each)
  release     both runs of a release: how busy they keep the processors (3 rounds)
  disk        the most disk that a release takes up
  memory      the most memory with artifacts of 4 GiB
  mmdebstrap  a build of one artifact against mmdebstrap alone (3 rounds)
  cluster     many releases in a test cluster: requests, memory and time (3 rounds of 1000 releases)
  jobs        the same with real Jobs whose pods are played (1 round of 100 releases)
  idle        what a controller needs whose releases are all released (10000)`;

const BENCHES: Readonly<Record<string, (rounds: number | undefined, releases: number | undefined) => Promise<void>>> = {
  mkosi: (rounds = 5) => compareWithMkosi(rounds),
  release: (rounds = 3) => bothRuns(rounds),
  disk: () => peakDisk(),
  memory: () => memoryWithLargeArtifacts(),
  mmdebstrap: (rounds = 3) => compareWithMmdebstrap(rounds),
  cluster: (rounds = 3, releases = 1000) => clusterReleases(rounds, releases),
  jobs: (rounds = 1, releases = 100) => jobReleases(rounds, releases),
  idle: (_, releases = 10_000) => idleReleases(releases),
};

type Asked = {
  readonly names: readonly string[];
  readonly rounds: number | undefined;
  readonly releases: number | undefined;
};

/** What the command line asks for; undefined if it cannot be read. */
function asked(): Asked | undefined {
  try {
    const options = { rounds: { type: "string" }, releases: { type: "string" } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [rounds, releases] = [values.rounds, values.releases].map((text) =>
      text === undefined ? undefined : Number(text),
    );
    const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
    const isCount = (value: number | undefined) => value === undefined || (Number.isInteger(value) && value > 0);
    if (![rounds, releases].every(isCount)) return undefined;
    return names.every((name) => Object.hasOwn(BENCHES, name)) ? { names, rounds, releases } : undefined;
  } catch {
    return undefined;
  }
}

const wanted = asked();
if (wanted === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  console.log(describeMachine());
  for (const name of wanted.names) {
    console.log(`\n== ${name}`);
    await BENCHES[name]?.(wanted.rounds, wanted.releases);
  }
}
