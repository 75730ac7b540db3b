import { createTarPacker, type TarHeader } from "modern-tar";

/** What every entry says; `mtime` in seconds since 1970, `path` relative, without a slash at its end. */
type Common = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
};

/** One entry of a layer (OCI image-spec, layer.md). Device nodes are left to the container's runtime. */
export type TarEntry = Common &
  (
    | { readonly kind: "directory" }
    /** `content` may be asked for again */
    | { readonly kind: "file"; readonly size: number; readonly content: () => AsyncIterable<Uint8Array> }
    | { readonly kind: "symlink"; readonly target: string }
    /** `target`: path of an earlier entry */
    | { readonly kind: "link"; readonly target: string }
  );

/** No names of users, no time of access, no owner but by number: nothing of the machine that packs it. */
function headerOf(entry: TarEntry): TarHeader {
  const { path, mode, uid, gid, mtime } = entry;
  const common = { mode: mode & 0o7777, uid, gid, mtime: new Date(mtime * 1000), uname: "", gname: "" };
  switch (entry.kind) {
    case "directory":
      return { ...common, type: "directory", name: `${path}/`, size: 0 };
    case "file":
      return { ...common, type: "file", name: path, size: entry.size };
    case "symlink":
      return { ...common, type: "symlink", name: path, size: 0, linkname: entry.target };
    case "link":
      return { ...common, type: "link", name: path, size: 0, linkname: entry.target };
  }
}

type Packer = ReturnType<typeof createTarPacker>["controller"];

async function write(packer: Packer, entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): Promise<void> {
  try {
    for await (const entry of entries) {
      const body = packer.add(headerOf(entry)).getWriter();
      if (entry.kind === "file") for await (const chunk of entry.content()) await body.write(chunk);
      await body.close();
    }
    packer.finalize();
  } catch (error) {
    packer.error(error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * A tar archive (POSIX pax) of entries, in their order: same entries, same bytes. It streams: no file is held in memory.
 * @throws Error if a file has not the size that its entry says; what `entries` or a content throws
 */
export async function* tarStream(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
): AsyncGenerator<Uint8Array, void, void> {
  const { readable, controller } = createTarPacker();
  const writing = write(controller, entries);
  try {
    yield* readable;
  } finally {
    await writing; // whoever stops reading early ends it
  }
}
