import { checkedPath, type FileChange } from "../../domain/spec-files.ts";
import type { RecordTree } from "../../ports/record-repository.ts";

/**
 * A tree with changes on top that nobody wrote yet. Its commit and its history stay those of the tree.
 * @param changes by path; null: the file is gone
 */
export function changedTree(tree: RecordTree, changes: ReadonlyMap<string, FileChange["content"]>): RecordTree {
  const bytes = (content: string | Uint8Array): Uint8Array =>
    typeof content === "string" ? new TextEncoder().encode(content) : content;
  const readDirectory: RecordTree["readDirectory"] = async (directory) => {
    const files = new Map(await tree.readDirectory(directory));
    const folder = `${directory}/`;
    for (const [path, content] of changes) {
      if (!path.startsWith(folder)) continue;
      const file = path.slice(folder.length);
      if (content === null) files.delete(file);
      else files.set(file, bytes(content));
    }
    return files;
  };
  return {
    ...tree,
    readFile: async (path) => {
      const content = changes.get(checkedPath(path));
      if (content === undefined) return tree.readFile(path);
      return content === null ? null : bytes(content);
    },
    readDirectory,
  };
}
