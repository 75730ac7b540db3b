import { type Dirent, readdirSync, readlinkSync } from "node:fs";

/** Names inside a root directory as a process chrooted into it would see them; asks the disk once per folder. */
export type RootPaths = {
  /** real path of a regular file, all symlinks followed inside the root; null if there is none */
  readonly resolveFile: (path: string) => string | null;
  /** real path of a folder, likewise */
  readonly resolveFolder: (path: string) => string | null;
  /** entries of the folder with this real path, in byte order of their names */
  readonly list: (realFolder: string) => readonly Dirent[];
};

type Place = { readonly real: string; readonly kind: "file" | "folder" | "other" };
const MAX_LINKS = 40; // path_resolution(7)
const TOP: Place = { real: "/", kind: "folder" };
const below = (folder: string, name: string): string => (folder === "/" ? `/${name}` : `${folder}/${name}`);
const parentOf = (folder: string): string => folder.slice(0, folder.lastIndexOf("/")) || "/";
const kindOf = (entry: Dirent): Place["kind"] => (entry.isDirectory() ? "folder" : entry.isFile() ? "file" : "other");

/**
 * Paths of `root`, all absolute inside it ("/usr/lib"). Absolute links start at the root again and `..` stops there,
 * so nothing outside is ever reached. Synchronous: a root has thousands of entries, and a trip to another thread
 * costs more than each of them does.
 */
export function rootPaths(root: string): RootPaths {
  const folders = new Map<string, Map<string, Dirent>>();
  const places = new Map<string, Place | null>();

  const entriesOf = (folder: string): Map<string, Dirent> => {
    let entries = folders.get(folder);
    if (entries === undefined) {
      const list = readdirSync(`${root}${folder}`, { withFileTypes: true });
      entries = new Map(list.sort((a, b) => (a.name < b.name ? -1 : 1)).map((entry) => [entry.name, entry]));
      folders.set(folder, entries);
    }
    return entries;
  };

  const walkTo = (path: string): Place | null => {
    let place = TOP;
    let links = 0;
    const names = path.split("/").toReversed();
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (place.kind !== "folder") return null;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        place = { real: parentOf(place.real), kind: "folder" };
        continue;
      }
      const entry = entriesOf(place.real).get(name);
      if (entry === undefined) return null;
      const real = below(place.real, name);
      if (!entry.isSymbolicLink()) {
        place = { real, kind: kindOf(entry) };
        continue;
      }
      links += 1;
      if (links > MAX_LINKS) return null;
      const target = readlinkSync(`${root}${real}`);
      if (target.startsWith("/")) place = TOP;
      names.push(...target.split("/").toReversed());
    }
    return place;
  };

  const placeOf = (path: string): Place | null => {
    let place = places.get(path);
    if (place === undefined) {
      place = walkTo(path);
      places.set(path, place);
    }
    return place;
  };
  const resolve = (path: string, kind: Place["kind"]): string | null => {
    const place = placeOf(path);
    return place?.kind === kind ? place.real : null;
  };
  return {
    resolveFile: (path) => resolve(path, "file"),
    resolveFolder: (path) => resolve(path, "folder"),
    list: (realFolder) => [...entriesOf(realFolder).values()],
  };
}
