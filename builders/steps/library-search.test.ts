import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elfFile, type ElfContent } from "../../test/fakes/elf-file.ts";
import { parseElf } from "./elf.ts";
import { libraryClosure } from "./library-search.ts";

const LOADER = "/lib64/ld-linux-x86-64.so.2";
const program = (content: ElfContent): ElfContent => ({ interpreter: LOADER, ...content });

/** Closure of /usr/bin/program in a root of these files; a string is a link to another path. */
function closure(files: Record<string, ElfContent | string>, configured: string[] = [], path = "/usr/bin/program") {
  const all: Record<string, ElfContent | string> = { [LOADER]: { soname: "ld-linux-x86-64.so.2" }, ...files };
  const resolveFile = (name: string): string | null => {
    const entry = all[name];
    if (typeof entry === "string") return resolveFile(entry);
    return entry === undefined ? null : name;
  };
  const elf = (name: string) => {
    const entry = all[name];
    return typeof entry === "object" ? parseElf(elfFile(entry)) : null;
  };
  return libraryClosure({ resolveFile, elf, configured }, path);
}
/** The same, as "name path" lines. */
const found = (...parameters: Parameters<typeof closure>): string[] | undefined =>
  closure(...parameters)?.libraries.map(({ name, path }) => `${name} ${path}`);

describe("order of folders", () => {
  const everywhere = Object.fromEntries(
    ["/rpath", "/runpath", "/conf", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"].map(
      (folder) => [`${folder}/a.so`, {}],
    ),
  );
  const needs = (content: ElfContent) => ({
    ...everywhere,
    "/usr/bin/program": program({ needed: ["a.so"], ...content }),
  });

  test("RPATH, or RUNPATH instead of it, then ld.so.conf, then the default folders", () => {
    expect(found(needs({ rpath: "/rpath" }), ["/conf"])).toEqual(["a.so /rpath/a.so"]);
    expect(found(needs({ rpath: "/rpath", runpath: "/runpath" }), ["/conf"])).toEqual(["a.so /runpath/a.so"]);
    expect(found(needs({ runpath: "/absent:relative::/runpath/" }), ["/conf"])).toEqual(["a.so /runpath/a.so"]);
    expect(found(needs({}), ["/conf"])).toEqual(["a.so /conf/a.so"]);
    const defaults = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"];
    defaults.forEach((folder, index) => {
      const gone = new Set(defaults.slice(0, index).map((earlier) => `${earlier}/a.so`));
      const left = Object.fromEntries(Object.entries(needs({})).filter(([path]) => !gone.has(path)));
      expect(found(left)).toEqual([`a.so ${folder}/a.so`]);
    });
  });

  test("DF_1_NODEFLIB shuts out the default folders, configured or not", () => {
    expect(found(needs({ noDefaultFolders: true }), ["/usr/lib", "/conf"])).toEqual(["a.so /conf/a.so"]);
    expect(found(needs({ noDefaultFolders: true }), ["/usr/lib"])).toEqual(["a.so null"]);
  });

  test("aarch64 has its own default folders and loader", () => {
    const files: Record<string, ElfContent> = {
      "/usr/bin/program": { machine: "aarch64", needed: ["a.so", "ld-linux-aarch64.so.1"] },
      "/lib/ld-linux-aarch64.so.1": { machine: "aarch64" },
      "/lib/aarch64-linux-gnu/a.so": { machine: "aarch64" },
      "/lib/x86_64-linux-gnu/a.so": {},
    };
    expect(closure(files)).toEqual({
      libraries: [{ name: "a.so", path: "/lib/aarch64-linux-gnu/a.so" }],
      interpreter: { path: "/lib/ld-linux-aarch64.so.1", exists: true },
    });
  });

  test("a file of another machine, a file that is not ELF and a static one are passed over", () => {
    const files: Record<string, ElfContent | string> = {
      "/usr/bin/program": program({ needed: ["a.so"], runpath: "/one:/two:/three" }),
      "/one/a.so": { machine: "aarch64" },
      "/two/a.so": { static: true },
      "/three/a.so": {},
    };
    expect(found(files)).toEqual(["a.so /three/a.so"]);
  });

  test("glibc-hwcaps folders are passed over: they depend on the processor", () => {
    const files: Record<string, ElfContent> = {
      "/usr/bin/program": program({ needed: ["a.so", "b.so"] }),
      "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/a.so": {},
      "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/b.so": {},
      "/usr/lib/a.so": {},
    };
    expect(found(files)).toEqual(["a.so /usr/lib/a.so", "b.so null"]);
  });
});

describe("paths of the loading object", () => {
  test("RPATH holds for what a library needs in turn, RUNPATH does not", () => {
    const files = (path: ElfContent): Record<string, ElfContent> => ({
      "/usr/bin/program": program({ needed: ["a.so"], ...path }),
      "/private/a.so": { needed: ["b.so"] },
      "/private/b.so": {},
    });
    expect(found(files({ rpath: "/private" }))).toEqual(["a.so /private/a.so", "b.so /private/b.so"]);
    expect(found(files({ runpath: "/private" }))).toEqual(["a.so /private/a.so", "b.so null"]);
  });

  test("a library with a RUNPATH does not use its loaders' RPATH", () => {
    const files: Record<string, ElfContent> = {
      "/usr/bin/program": program({ needed: ["a.so"], rpath: "/private" }),
      "/private/a.so": { needed: ["b.so"], runpath: "/elsewhere" },
      "/private/b.so": {},
    };
    expect(found(files)).toEqual(["a.so /private/a.so", "b.so null"]);
  });

  test("$ORIGIN is the folder of the object as it was found, $LIB and $PLATFORM those of Debian", () => {
    const files: Record<string, ElfContent | string> = {
      "/usr/bin/program": program({
        needed: ["a.so", "b.so", "c.so"],
        runpath: "$ORIGIN/../x:/opt/${LIB}:/opt/$PLATFORM",
      }),
      "/usr/bin/../x/a.so": "/real/a.so",
      "/real/a.so": { needed: ["d.so"], runpath: "${ORIGIN}" },
      "/usr/bin/../x/d.so": {},
      "/real/d.so": {},
      "/opt/lib/x86_64-linux-gnu/b.so": {},
      "/opt/x86_64/c.so": {},
    };
    expect(found(files)).toEqual([
      "a.so /usr/bin/../x/a.so",
      "b.so /opt/lib/x86_64-linux-gnu/b.so",
      "c.so /opt/x86_64/c.so",
      "d.so /usr/bin/../x/d.so",
    ]);
  });

  test("other words after a dollar sign are no tokens", () => {
    expect(
      found({ "/usr/bin/program": program({ needed: ["a.so"], runpath: "/$ORIGINAL" }), "/$ORIGINAL/a.so": {} }),
    ).toEqual(["a.so /$ORIGINAL/a.so"]);
  });

  test("a name with a slash is a path; a relative one is never found", () => {
    const files: Record<string, ElfContent> = {
      "/usr/bin/program": program({ needed: ["/opt/a.so", "$ORIGIN/b.so", "here/c.so"] }),
      "/opt/a.so": {},
      "/usr/bin/b.so": {},
      "here/c.so": {},
    };
    expect(found(files)).toEqual(["/opt/a.so /opt/a.so", "/usr/bin/b.so /usr/bin/b.so", "here/c.so null"]);
  });
});

describe("what is loaded already", () => {
  test("counts by name, by SONAME and by file", () => {
    const files: Record<string, ElfContent | string> = {
      "/usr/bin/program": program({ needed: ["a.so.1.0", "a.so.1", "link.so", "b.so"] }),
      "/lib/a.so.1.0": { soname: "a.so.1" },
      "/lib/a.so.1": { soname: "another" },
      "/lib/link.so": "/lib/a.so.1.0",
      "/lib/b.so": { needed: ["a.so.1.0", "b.so"] },
    };
    expect(found(files)).toEqual(["a.so.1.0 /lib/a.so.1.0", "b.so /lib/b.so"]);
  });

  test("the file itself counts, so a library that needs itself ends", () => {
    expect(
      found(
        { "/lib/a.so": { soname: "a.so", needed: ["a.so", "b.so"] }, "/lib/b.so": { needed: ["a.so"] } },
        [],
        "/lib/a.so",
      ),
    ).toEqual(["b.so /lib/b.so"]);
  });
});

describe("the interpreter", () => {
  test("is the program's own, and no library", () => {
    const files = { "/usr/bin/program": program({ needed: ["ld-linux-x86-64.so.2"] }) };
    expect(closure(files)).toEqual({ libraries: [], interpreter: { path: LOADER, exists: true } });
  });

  test("is the usual one for a library whose needs name it, else none", () => {
    const files: Record<string, ElfContent> = {
      "/lib/a.so": { needed: ["b.so"] },
      "/lib/b.so": { needed: ["ld-linux-x86-64.so.2"] },
    };
    expect(closure(files, [], "/lib/a.so")?.interpreter).toEqual({ path: LOADER, exists: true });
    expect(closure({ "/lib/a.so": {} }, [], "/lib/a.so")?.interpreter).toBeNull();
  });

  test("that is not there is said so", () => {
    const files = { "/usr/bin/program": { interpreter: "/lib/ld-other.so" } };
    expect(closure(files)?.interpreter).toEqual({ path: "/lib/ld-other.so", exists: false });
  });
});

test("what ld.so cannot load has no closure", () => {
  expect(closure({ "/usr/bin/program": { static: true } })).toBeNull();
  expect(closure({ "/usr/bin/program": { machine: "other" } })).toBeNull();
  expect(closure({})).toBeNull();
});

test("any graph of libraries ends, and lists each reachable one once", () => {
  const names = ["a", "b", "c", "d", "e"] as const;
  const graph = fc.record(
    Object.fromEntries(names.map((name) => [name, fc.subarray(["a", "b", "c", "d", "e", "absent"])])),
  );
  fc.assert(
    fc.property(graph, fc.subarray([...names]), (needs, first) => {
      const files = Object.fromEntries(names.map((name) => [`/lib/${name}`, { needed: needs[name] ?? [] }]));
      const reachable = new Set<string>(first);
      for (const name of reachable) for (const next of needs[name] ?? []) reachable.add(next);
      const expected = [...reachable].map((name) => `${name} ${name === "absent" ? null : `/lib/${name}`}`);
      expect(found({ ...files, "/usr/bin/program": program({ needed: first }) })).toEqual(expected);
    }),
  );
});
