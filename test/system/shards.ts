import type { Shard } from "../shards/shard.ts";

/** What a release build reads: most shards cover all of it. */
const BUILD = ["controller/**", "builders/**", "modules.d/**", "dracut.conf.d/**", "deploy/local/**", "specs/demo/**"];

/** Every system test, in shards that pass or fail as one. Costs were measured with warm caches on 2 processors. */
export const SHARDS: readonly Shard[] = [
  {
    name: "set-up",
    files: ["test/system/set-up.test.ts"],
    covers: [".ci/**", ".npmrc", "package.json", "builders/host/exec.ts", "builders/host/follow-file.ts"],
    costSeconds: 130,
    tools: [["npm", "--version"]],
  },
  {
    name: "tamper",
    files: ["test/system/tamper.test.ts"],
    covers: [...BUILD, "test/imgrel.ts"],
    costSeconds: 290,
  },
  {
    name: "perturb",
    files: ["test/system/perturb.test.ts"],
    covers: [...BUILD, "test/imgrel.ts", "test/system/perturbed-build.ts"],
    costSeconds: 600,
  },
  {
    name: "disks",
    files: ["test/system/disks.test.ts"],
    covers: [...BUILD, "test/imgrel.ts"],
    costSeconds: 1000,
  },
  {
    name: "release",
    files: ["test/system/release.test.ts"],
    covers: [...BUILD, "test/imgrel.ts"],
    costSeconds: 330,
  },
];
