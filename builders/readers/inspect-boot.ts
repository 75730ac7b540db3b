import type { InspectedContent } from "../contract/inspection.ts";
import { imageSource } from "./byte-source.ts";
import { readInitramfs } from "./initramfs-members.ts";
import { type InspectInside, type InspectOptions, octal } from "./inspect-file-system.ts";
import { kernelVersion } from "./kernel-version.ts";
import { type Pe, type PeSection, peSection } from "./pe.ts";
import { type RandomAccess, rangeAccess } from "./random-access.ts";

const MAX_TEXT_BYTES = 64 * 1024;

/** A section that holds text, as the UKI specification has it: without padding and final NULs. */
async function sectionText(image: RandomAccess, sections: readonly PeSection[], name: string): Promise<string | null> {
  const section = sections.find((one) => one.name === name);
  if (section === undefined) return null;
  const bytes = await peSection(image, section).readAt(0, Math.min(section.length, MAX_TEXT_BYTES));
  return Buffer.from(bytes).toString("utf8").replace(/\0+$/, "").trim();
}

/** Value of `NAME=value` in a file such as os-release(5), without its quotes. */
const valueOf = (text: string | null, name: string): string | null =>
  new RegExp(`^${name}=(["']?)(.*)\\1$`, "m").exec(text ?? "")?.[2] ?? null;

/**
 * What a UKI can start (uapi-group.org UKI specification, "Multi-Profile UKIs"): each `.profile` section starts a
 * profile, which has what stands before the first of them unless it has its own.
 */
async function profilesOf(image: RandomAccess, sections: readonly PeSection[]) {
  const starts = sections.flatMap((section, index) => (section.name === ".profile" ? [index] : []));
  const base = sections.slice(0, starts[0] ?? sections.length);
  const groups = starts.length === 0 ? [base] : starts.map((at, order) => sections.slice(at, starts[order + 1]));
  return Promise.all(
    groups.map(async (group) => {
      const profile = await sectionText(image, group, ".profile");
      return {
        id: valueOf(profile, "ID"),
        title: valueOf(profile, "TITLE"),
        commandLine: (await sectionText(image, group, ".cmdline")) ?? (await sectionText(image, base, ".cmdline")),
      };
    }),
  );
}

/** A PE image: a UKI with what it starts, a kernel with its version, or another UEFI program. */
export async function inspectPe(image: RandomAccess, pe: Pe, inside: InspectInside): Promise<InspectedContent> {
  const { sections, machine, timestamp, signed } = pe;
  const linux = sections.find((one) => one.name === ".linux");
  const initrd = sections.find((one) => one.name === ".initrd");
  const version =
    (await sectionText(image, sections, ".uname")) ??
    (await kernelVersion(linux === undefined ? image : peSection(image, linux)));
  return {
    format: "pe",
    ...{ machine, timestamp, signed },
    sections: sections.map(({ label, offset, length }) => ({ name: label, offset, sizeBytes: length })),
    kernelVersion: version,
    operatingSystem: valueOf(await sectionText(image, sections, ".osrel"), "PRETTY_NAME"),
    profiles: linux === undefined ? [] : await profilesOf(image, sections),
    initramfs: initrd === undefined ? null : await inside(peSection(image, initrd)),
  };
}

/** An initramfs; what stands uncompressed in it is looked into, such as the root image. */
export async function inspectInitramfs(
  image: RandomAccess,
  inside: InspectInside,
  options: InspectOptions,
): Promise<InspectedContent> {
  const segments = await readInitramfs(imageSource(image));
  options.signal?.throwIfAborted();
  const members = segments.flatMap((segment) => segment.members);
  const holds: { path: string; content: InspectedContent }[] = [];
  for (const { name, type, dataOffset, size } of segments
    .filter(({ compression }) => compression === "none")
    .flatMap((segment) => segment.members)) {
    if (type !== "file") continue;
    const content = await inside(rangeAccess(image, `${image.name}:${name}`, dataOffset, size));
    if (content !== null) holds.push({ path: name, content });
  }
  const files = members.map(({ name, type, mode, size }) => {
    return { path: name, type, mode: octal(mode & 0o7777), sizeBytes: size };
  });
  return {
    format: "initramfs",
    segments: segments.map(({ compression, offset, storedBytes, members: { length } }) => {
      return { compression, offset, storedBytes, members: length };
    }),
    ...(options.files ? { files } : {}),
    holds,
  };
}
