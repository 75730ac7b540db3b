import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { parseAst } from "vitest/node";

/** What the rules of arrows.ts need to know of one source file. Paths are relative to the project, with slashes. */
export type SourceModule = {
  readonly path: string;
  readonly lines: number;
  /** specifiers as written, type-only ones included; `(computed)` for an import() whose name is no literal */
  readonly imports: readonly string[];
  /** true if every statement passes on what another module exports */
  readonly isBarrel: boolean;
};

/** Stands for the name of a dynamic import that only running the program tells. */
export const COMPUTED = "(computed)";

type Node = { readonly type: string; readonly [key: string]: unknown };

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

const literal = (node: unknown): string =>
  isNode(node) && typeof node["value"] === "string" ? node["value"] : COMPUTED;

/** ESTree: the nodes that name a module, and the field that holds the name. */
function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return literal(node["source"]);
    case "ExportNamedDeclaration":
      return isNode(node["source"]) ? literal(node["source"]) : undefined;
    default:
      return undefined;
  }
}

function collect(value: unknown, found: string[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, found);
  if (!isNode(value)) return;
  const specifier = specifierOf(value);
  if (specifier !== undefined) found.push(specifier);
  for (const child of Object.values(value)) collect(child, found);
}

/** True for `export … from` and for `export { name }` of something imported: a file of nothing else is a barrel. */
const passesOn = (node: Node): boolean =>
  node.type === "ImportDeclaration" ||
  node.type === "ExportAllDeclaration" ||
  (node.type === "ExportNamedDeclaration" && !isNode(node["declaration"]));

/** Parses one TypeScript source. @throws Error with `code: "PARSE_ERROR"` if it is none */
export function parseModule(path: string, source: string): SourceModule {
  // oxlint-disable-next-line typescript/no-deprecated -- its successor is only in vite, which is not our dependency
  const body: readonly unknown[] = parseAst(source, { lang: "ts" }, path).body;
  const statements = body.filter(isNode);
  const imports: string[] = [];
  collect(statements, imports);
  return {
    path,
    lines: source.split("\n").length - (source.endsWith("\n") ? 1 : 0),
    imports,
    isBarrel: statements.some((node) => node.type.startsWith("Export")) && statements.every(passesOn),
  };
}

/** The project path that a relative specifier of `from` means; undefined for a package or a Node module. */
export const targetOf = (from: string, specifier: string): string | undefined =>
  specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;

/** Every TypeScript file below the given folders of the project, parsed, in order of path. */
export async function readModules(project: string, folders: readonly string[]): Promise<SourceModule[]> {
  const modules: SourceModule[] = [];
  for (const folder of folders) {
    const paths = await readdir(join(project, folder), { recursive: true });
    for (const path of paths.filter((name) => name.endsWith(".ts")).toSorted()) {
      modules.push(parseModule(posix.join(folder, path), await readFile(join(project, folder, path), "utf8")));
    }
  }
  return modules;
}
