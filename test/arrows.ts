import { posix } from "node:path";
import { COMPUTED, type SourceModule, targetOf } from "./module-graph.ts";

/** One room of the project (docs/architecture.md, "Layout"): which files it holds and what they may import. */
type Room = {
  readonly name: string;
  readonly holds: RegExp;
  /** rooms besides its own */
  readonly rooms: readonly string[];
  /** packages and Node modules */
  readonly packages: RegExp;
  /** rooms that its tests may import besides those */
  readonly testRooms?: readonly string[];
};

const ANY = /./;
const NODE = /^node:/;
const NOTHING = /^$/;
const NODE_AND_ZOD = /^(node:.*|zod)$/;

/** The import arrows. What is not here is an error. */
const ROOMS: readonly Room[] = [
  { name: "main", holds: /^controller\/main\.ts$/, rooms: ["commands", "domain", "contract"], packages: ANY },
  {
    name: "commands",
    holds: /^controller\/commands\//,
    rooms: ["wiring", "config", "reconciler", "domain", "ports", "contract", "host"],
    packages: ANY,
  },
  {
    name: "wiring",
    holds: /^controller\/((cluster-)?wiring|cluster-work)\.ts$/,
    rooms: ["config", "adapters", "reconciler", "domain", "ports", "contract", "host"],
    packages: ANY,
  },
  { name: "config", holds: /^controller\/config\.ts$/, rooms: ["domain", "contract", "host"], packages: ANY },
  {
    name: "adapters",
    holds: /^controller\/adapters\//,
    rooms: ["domain", "ports", "readers", "contract", "host"],
    packages: ANY,
  },
  { name: "reconciler", holds: /^controller\/reconciler\//, rooms: ["domain", "ports"], packages: NOTHING },
  { name: "ports", holds: /^controller\/ports\//, rooms: ["domain", "contract"], packages: /^node:stream$/ },
  { name: "domain", holds: /^controller\/domain\//, rooms: ["contract"], packages: /^(zod|yaml)$/ },
  {
    name: "builder main",
    holds: /^builders\/main\.ts$/,
    rooms: ["build", "boot", "variants", "steps", "readers", "host", "contract"],
    packages: NODE_AND_ZOD,
  },
  {
    name: "build",
    holds: /^builders\/(build|workspace)\.ts$/,
    rooms: ["variants", "steps", "readers", "host", "contract"],
    packages: NODE_AND_ZOD,
  },
  { name: "variants", holds: /^builders\/variants\//, rooms: ["steps", "readers", "host", "contract"], packages: NODE },
  { name: "steps", holds: /^builders\/steps\//, rooms: ["readers", "host", "contract"], packages: NODE_AND_ZOD },
  { name: "boot", holds: /^builders\/boot\//, rooms: ["readers", "host", "contract"], packages: NODE_AND_ZOD },
  // a reader is tested with what our own writers in steps make
  {
    name: "readers",
    holds: /^builders\/readers\//,
    rooms: ["host", "contract"],
    packages: NODE,
    testRooms: ["steps"],
  },
  { name: "host", holds: /^builders\/host\//, rooms: ["contract"], packages: NODE },
  { name: "contract", holds: /^builders\/contract\//, rooms: [], packages: /^(zod|node:crypto)$/ },
  // an API server is tested through our own client
  {
    name: "contracts",
    holds: /^test\/contracts\/(?!.*\.test\.ts$)/,
    rooms: ["fakes", "adapters", "reconciler", "domain", "ports", "contract", "host"],
    packages: ANY,
  },
  {
    name: "fakes",
    holds: /^test\/fakes\//,
    rooms: ["domain", "ports", "readers", "contract", "host", "commands"],
    packages: ANY,
  },
];

/** Tests of the product may use these besides what their room may. */
const TEST_ROOMS = ["fakes", "contracts"];
const TEST_PACKAGES = /^(node:.*|vitest|fast-check)$/;

const MAX_LINES = 400;
const BANNED_NAME = /(^|-)(utils?|helpers?|common|types|misc|index)$/;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const CHILD_PROCESS = /^(node:)?child_process$/;
const PROGRAM_RUNNER = "builders/host/exec.ts";

const isTest = (path: string): boolean => path.endsWith(".test.ts");
const isProduct = (path: string): boolean => /^(controller|builders)\//.test(path);
const roomOf = (path: string): Room | undefined => ROOMS.find((room) => room.holds.test(path));

/** What is wrong with one import of `module`; undefined if nothing is. */
function importFault(module: SourceModule, specifier: string): string | undefined {
  const says = (why: string) => `${module.path} imports ${specifier}: ${why}`;
  if (specifier === COMPUTED) return says("name the module in the import, so that this check can see it");
  if (CHILD_PROCESS.test(specifier) && module.path !== PROGRAM_RUNNER) {
    return says(`only ${PROGRAM_RUNNER} starts programs`);
  }
  const room = roomOf(module.path);
  if (room === undefined) return undefined; // test code outside the fakes may import all; strangers are reported apart
  const target = targetOf(module.path, specifier);
  if (target === undefined) {
    if (room.packages.test(specifier)) return undefined;
    if (isTest(module.path) && TEST_PACKAGES.test(specifier)) return undefined;
    return says(`${room.name} may not use this package`);
  }
  const other = roomOf(target);
  if (other === undefined) return says(`${target} is in no room that ${room.name} may import`);
  if (other === room || room.rooms.includes(other.name)) return undefined;
  if (isTest(module.path) && [...TEST_ROOMS, ...(room.testRooms ?? [])].includes(other.name)) return undefined;
  return says(`${room.name} may import ${room.rooms.join(", ") || "nothing but itself"}; not ${other.name}`);
}

/** What is wrong with a file as such: its place, name, size and content. */
function fileFaults(module: SourceModule): string[] {
  const name = posix.basename(module.path).replace(/(\.(test|config))?\.ts$/, "");
  return [
    ...(isProduct(module.path) && roomOf(module.path) === undefined
      ? [`${module.path}: no room of docs/architecture.md holds this file`]
      : []),
    ...(BANNED_NAME.test(name) ? [`${module.path}: name the file after its one job`] : []),
    ...(KEBAB.test(name) ? [] : [`${module.path}: file names are kebab-case`]),
    ...(module.lines > MAX_LINES ? [`${module.path}: ${module.lines} lines; past ${MAX_LINES} it has two jobs`] : []),
    ...(module.isBarrel ? [`${module.path}: a file that only passes on exports; import from the source`] : []),
  ];
}

/** A cycle of each knot of modules that import each other, written as the path around it; none if there is none. */
export function findCycles(modules: readonly SourceModule[]): string[] {
  const edges = new Map(
    modules.map((module) => [
      module.path,
      module.imports.flatMap((specifier) => targetOf(module.path, specifier) ?? []).toSorted(),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

/** Every breach of the project's structure, one sentence each, in order of path. */
export function structureFaults(modules: readonly SourceModule[]): string[] {
  return [
    ...modules.flatMap((module) => [
      ...fileFaults(module),
      ...module.imports.flatMap((specifier) => importFault(module, specifier) ?? []),
    ]),
    ...findCycles(modules).map((cycle) => `import cycle: ${cycle}`),
  ];
}
