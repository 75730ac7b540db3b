import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { parseDpkgStatus } from "../../controller/domain/dpkg-status.ts";

/** The database of the machine that runs the tests: a Debian with hundreds of packages. */
const STATUS = "/var/lib/dpkg/status";

test("this machine's packages are what dpkg-query says of them", async () => {
  const packages = parseDpkgStatus(await readFile(STATUS, "utf8"));
  const format =
    "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\t${Essential}\\t${source:Package}\\t${source:Version}\\t${Maintainer}\\n";
  const { stdout } = await exec({ program: "dpkg-query", args: ["--show", `--showformat=${format}`] });
  const rows = packages.map(({ name, version, arch, state, essential, source, maintainer }) =>
    [name, version, arch, state, essential ? "yes" : "no", source.name, source.version, maintainer].join("\t"),
  );
  const said = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\t(installed|[a-z-]+)\t\t/, "\t$1\tno\t"));
  expect(rows.toSorted()).toEqual(said.toSorted());
  expect(packages.length).toBeGreaterThan(50);
});
