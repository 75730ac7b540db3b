import type { Shard } from "../shards/shard.ts";

/** What a release build reads: most shards cover all of it. */
const BUILD = ["controller/**", "builders/**", "modules.d/**", "dracut.conf.d/**", "deploy/local/**", "specs/demo/**"];

/** Every system test, in shards that pass or fail as one. Costs were measured with warm caches on 2 processors. */
export const SHARDS: readonly Shard[] = [
  {
    name: "set-up",
    files: ["test/system/set-up.test.ts"],
    covers: [
      ...[".ci/**", ".npmrc", "package.json", "builders/host/exec.ts"],
      ...["builders/host/follow-file.ts", "builders/host/process-identity.ts"],
    ],
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
    name: "buses",
    files: ["test/system/buses.test.ts"],
    covers: [...BUILD, "test/imgrel.ts", "test/processes.ts", "test/system/running-imgrel.ts"],
    costSeconds: 700,
  },
  {
    name: "kill",
    files: ["test/system/kill.test.ts"],
    covers: [
      ...[...BUILD, "test/imgrel.ts", "test/processes.ts", "test/fakes/file-server.ts"],
      ...["test/system/demo-packages.ts", "test/system/running-imgrel.ts"],
    ],
    costSeconds: 480,
  },
  {
    name: "storage",
    files: ["test/system/storage.test.ts"],
    covers: [
      ...[...BUILD, "test/imgrel.ts", "test/fakes/file-server.ts"],
      ...["test/system/demo-packages.ts", "test/system/mounted-room.ts"],
    ],
    costSeconds: 240,
  },
  {
    name: "publication",
    files: ["test/system/publication.test.ts", "test/system/publication-traces.test.ts"],
    covers: [
      ...[...BUILD, "test/imgrel.ts", "test/toolbox.ts", "test/docker-registry.ts", "test/system/running-imgrel.ts"],
      ...["test/system/kill-triggers.ts", "test/system/publication-room.ts", "test/system/publication-traces.ts"],
      ...["test/system/registry-contents.ts", "test/system/watched-registry.ts"],
    ],
    costSeconds: 700,
  },
  {
    name: "release",
    files: ["test/system/release.test.ts"],
    covers: [...BUILD, "test/imgrel.ts", "test/toolbox.ts"],
    costSeconds: 330,
  },
  {
    name: "cluster",
    files: [
      ...["test/system/cluster.test.ts", "test/system/cluster-commands.test.ts"],
      ...[
        "test/system/cluster/cgroups.test.ts",
        "test/system/cluster/eventually.test.ts",
        "test/system/cluster/kubebox.test.ts",
        "test/system/cluster/policy-rules.test.ts",
      ],
    ],
    covers: [
      ...["controller/**", "builders/**", "deploy/local/class.yaml", "test/system/cluster/**"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 220,
  },
  {
    name: "kubernetes-api",
    files: ["test/system/kubernetes-api.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "test/contracts/kubernetes-api-contract.ts", "test/fakes/silent-metrics.ts"],
      ...["test/system/cluster/**", "test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 40,
  },
  {
    name: "crds",
    files: ["test/system/crds.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "deploy/local/class.yaml", "specs/demo/**", "test/system/cluster/**"],
      ...["test/system/api-server.ts", "test/contracts/**", "test/fakes/**"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 80,
  },
  {
    name: "images",
    files: ["test/system/images.test.ts"],
    covers: [
      ...[...BUILD, "deploy/images/**", "package.json", "test/imgrel.ts", "test/toolbox.ts", "test/container.ts"],
      ...["test/shards/inputs.ts", "test/shards/shard.ts"],
    ],
    costSeconds: 300,
    tools: [["runc", "--version"]],
    needs: ["runc"],
  },
  {
    name: "cluster-release",
    files: ["test/system/cluster-release.test.ts"],
    covers: [
      ...[...BUILD, "crds/**", "deploy/**", "package.json", "test/fakes/**", "test/system/cluster/**"],
      ...["test/system/cluster-release-room.ts", "test/system/own-images.ts", "test/system/release-services.ts"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts", "test/shards/inputs.ts"],
      "test/shards/shard.ts",
    ],
    costSeconds: 900,
  },
  {
    name: "jobs",
    files: ["test/system/jobs.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "deploy/local/class.yaml", "test/fakes/**", "test/system/cluster/**"],
      ...["test/contracts/**", "test/system/stub-process.ts", "test/system/stub-release.ts"],
      "test/system/stub-runner.ts",
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 150,
  },
  {
    name: "controller",
    files: ["test/system/controller.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "deploy/local/class.yaml", "test/fakes/**", "test/system/cluster/**"],
      ...["test/contracts/**", "test/system/api-server.ts"],
      ...["test/system/controller-room.ts", "test/system/real-builds.ts", "test/system/simulated-releases.ts"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 150,
  },
  {
    name: "controller-faults",
    files: ["test/system/controller-faults.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "deploy/local/class.yaml", "test/fakes/**", "test/system/cluster/**"],
      ...["test/contracts/**", "test/system/api-server.ts", "test/system/controller-room.ts"],
      ...["test/system/effects-folder.ts", "test/system/running-controller.ts", "test/system/watch-faults.ts"],
      ...["test/system/simulated-controller.ts", "test/system/simulated-releases.ts", "test/system/run-as-process.ts"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 240,
  },
  {
    name: "adoption",
    files: ["test/system/adoption.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "crds/**", "deploy/base/namespaces.yaml", "deploy/local/class.yaml"],
      ...["docs/install.md", "test/contracts/**", "test/fakes/**", "test/system/cluster/**"],
      ...["test/bench/cluster-specs.ts", "test/bench/memory-ports.ts"],
      ...["test/system/adoption-controller.ts", "test/system/adoption-room.ts", "test/system/api-server.ts"],
      ...["test/system/controller-room.ts", "test/system/effects-folder.ts", "test/system/install-guide.ts"],
      ...["test/system/run-as-process.ts", "test/system/running-controller.ts", "test/system/simulated-controller.ts"],
      ...["test/system/simulated-releases.ts", "test/system/small-builds.ts"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 100,
  },
  {
    name: "deploy",
    files: ["test/system/deploy.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "crds/**", "deploy/**", "docs/install.md", "test/deploy-manifests.ts"],
      ...["test/fakes/**", "test/system/controller-calls.ts", "test/system/install-guide.ts", "test/system/cluster/**"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
    ],
    costSeconds: 150,
  },
  {
    name: "controller-command",
    files: ["test/system/controller-command.test.ts"],
    covers: [
      ...["controller/**", "builders/**", "deploy/local/class.yaml", "test/fakes/**", "test/system/cluster/**"],
      ...["test/docker-registry.ts", "test/toolbox.ts", "test/imgrel.ts"],
      ...["test/controller-process.ts", "test/system/running-imgrel.ts"],
    ],
    costSeconds: 90,
  },
  {
    name: "deployed",
    files: ["test/system/deployed.test.ts"],
    covers: [
      ...[...BUILD, "crds/**", "deploy/**", "package.json", "test/imgrel.ts", "test/toolbox.ts", "test/fakes/**"],
      ...["test/system/own-images.ts", "test/system/cluster/**", "test/docker-registry.ts"],
      ...["test/shards/inputs.ts", "test/shards/shard.ts", "docs/install.md"],
    ],
    costSeconds: 240,
  },
];
