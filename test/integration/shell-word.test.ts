import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { shellWord } from "../../controller/domain/shell-word.ts";

describe("shellWord", () => {
  it("leaves plain words as they are", () => {
    expect(shellWord("file=/a/b.img,format=raw")).toBe("file=/a/b.img,format=raw");
    expect(shellWord("a b")).toBe("'a b'");
    expect(shellWord("")).toBe("''");
  });
  it("is read back unchanged by a shell", async () => {
    const words = fc.sample(
      fc.string({ unit: "grapheme" }).filter((word) => !word.includes("\0")),
      200,
    );
    words.push("it's", "$HOME `id` \\", "a\nb", "*", "~", "-n", "# x");
    const script = `printf '%s\\0' ${words.map(shellWord).join(" ")} | od -An -v -tx1`;
    const { stdout } = await exec({ program: "sh", args: ["-c", script] });
    const read = Buffer.from(stdout.replaceAll(/\s/g, ""), "hex").toString("utf8");
    expect(read.split("\0").slice(0, -1)).toEqual(words);
  });
});
