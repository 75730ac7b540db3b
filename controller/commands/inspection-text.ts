import type { InspectedContent, InspectedFile, Inspection } from "../../builders/contract/inspection.ts";
import { formatBytes, oneLine } from "../domain/format.ts";

type Of<Format extends InspectedContent["format"]> = Extract<InspectedContent, { format: Format }>;

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);
/** A name from an image, which may hold anything, as one harmless word or quoted line. */
const quoted = (text: string): string => JSON.stringify(oneLine(text));

const fault = (text: string): string => `FAULT: ${oneLine(text)}`;

function fileLines(files: readonly InspectedFile[] | undefined): string[] {
  return (files ?? []).map(({ path, type, mode, sizeBytes }) => {
    return `${(mode ?? "-").padEnd(4)} ${type.padEnd(9)} ${String(sizeBytes).padStart(12)} ${oneLine(path)}`;
  });
}

/** Columns of equal width, two blanks apart. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function diskLines({ format, id, bootCode, faults, partitions }: Of<"gpt" | "mbr">): string[] {
  const rows = partitions.map(({ number, name, type, uuid, offset, sizeBytes, content }) => {
    const what = content === null ? "-" : content.format;
    return [String(number), oneLine(name) || "-", String(offset), formatBytes(sizeBytes), what, uuid ?? "-", type];
  });
  return [
    `${format.toUpperCase()} disk ${id}, boot code: ${bootCode}`,
    ...faults.map(fault),
    ...indent(table([["NR", "NAME", "OFFSET", "SIZE", "CONTENT", "UUID", "TYPE"], ...rows])),
    ...partitions.flatMap(({ number, name, content }) =>
      content === null ? [] : [`partition ${number} ${oneLine(name)}`.trimEnd(), ...indent(contentLines(content))],
    ),
  ];
}

function fileSystemLines(name: string, system: Of<"fat" | "ext4" | "erofs">, more: readonly string[]): string[] {
  const used = system.format === "erofs" ? "" : `, ${formatBytes(system.usedBytes)} used`;
  return [
    `${name}, label ${quoted(system.label)}, uuid ${system.uuid}, ${formatBytes(system.sizeBytes)}${used}`,
    ...system.faults.map(fault),
    ...more,
    ...indent(fileLines(system.files)),
  ];
}

function erofsLines(erofs: Of<"erofs">): string[] {
  const compression = erofs.compression.length === 0 ? "not compressed" : erofs.compression.join(", ");
  return fileSystemLines(erofs.composefs ? "composefs (erofs)" : "erofs", erofs, [
    `${compression}, ${erofs.inodes} inodes, built ${new Date(erofs.buildTime * 1000).toISOString()}`,
    ...(erofs.kernelVersions.length === 0 ? [] : [`kernel modules of ${erofs.kernelVersions.map(oneLine).join(", ")}`]),
    `sha256    ${erofs.sha256}`,
    `fs-verity ${erofs.fsverityDigest}`,
  ]);
}

function peLines(pe: Of<"pe">): string[] {
  const isUki = pe.profiles.length > 0;
  const plain = pe.kernelVersion === null ? "UEFI program" : "kernel";
  const version = pe.kernelVersion === null ? "" : `, Linux ${oneLine(pe.kernelVersion)}`;
  const system = pe.operatingSystem === null ? "" : `, ${oneLine(pe.operatingSystem)}`;
  const signature = pe.signed ? "signed" : "not signed";
  return [
    `${isUki ? "unified kernel image" : plain}, ${pe.machine}${version}${system}, ${signature}`,
    `sections: ${pe.sections.map(({ name, sizeBytes }) => `${oneLine(name)} ${formatBytes(sizeBytes)}`).join(", ")}`,
    ...pe.profiles.map(({ id, title, commandLine }) => {
      const name = title ?? id;
      return `boot entry${name === null ? "" : ` ${quoted(name)}`}: ${oneLine(commandLine ?? "no command line")}`;
    }),
    ...(pe.initramfs === null ? [] : contentLines(pe.initramfs)),
  ];
}

function initramfsLines({ segments, files, holds }: Of<"initramfs">): string[] {
  return [
    "initramfs",
    ...indent(
      segments.map(({ compression, offset, storedBytes, members }) => {
        const kind = compression === "none" ? "uncompressed cpio" : `${compression} cpio`;
        return `${kind} at ${offset}: ${formatBytes(storedBytes)}, ${members} members`;
      }),
    ),
    ...holdLines(holds),
    ...indent(fileLines(files)),
  ];
}

const holdLines = (holds: readonly { readonly path: string; readonly content: InspectedContent }[]): string[] =>
  holds.flatMap(({ path, content }) => [oneLine(path), ...indent(contentLines(content))]);

function contentLines(content: InspectedContent): string[] {
  switch (content.format) {
    case "gpt":
    case "mbr":
      return diskLines(content);
    case "qcow2": {
      const { version, clusterBytes, virtualSizeBytes, compression } = content;
      const size = `${formatBytes(virtualSizeBytes)} in clusters of ${formatBytes(clusterBytes)}`;
      const inside = content.content === null ? [] : contentLines(content.content);
      return [`qcow2 version ${version}, ${size}, compression type ${compression}`, ...inside];
    }
    case "fat": {
      const entries = content.grubEntries.map(({ title, kernel, commandLine }) => {
        return `GRUB entry ${quoted(title)}: ${oneLine(kernel)} ${oneLine(commandLine)}`;
      });
      return fileSystemLines(`FAT${content.bits}`, content, [...entries, ...holdLines(content.holds)]);
    }
    case "ext4":
      return fileSystemLines("ext4", content, [`features: ${content.features.join(" ")}`]);
    case "erofs":
      return erofsLines(content);
    case "pe":
      return peLines(content);
    case "initramfs":
      return initramfsLines(content);
    case "grub-core":
      return ["GRUB core image"];
    case "text":
      return content.text.trimEnd().split("\n").map(oneLine);
    case "dpkg-status":
      return [
        `dpkg status, ${content.installed} packages installed`,
        ...indent((content.packages ?? []).map(({ name, version, arch }) => oneLine(`${name} ${version} ${arch}`))),
      ];
  }
}

/** What people read of an inspection: each file with its digests, then what it holds, indented by depth. */
export const inspectionText = ({ artifacts }: Inspection): string =>
  artifacts
    .map(({ file, sizeBytes, sha256, fsverityDigest, content }) =>
      [
        `${oneLine(file)}  ${formatBytes(sizeBytes)} (${sizeBytes} bytes)`,
        ...indent([`sha256    ${sha256}`, `fs-verity ${fsverityDigest}`, ...contentLines(content)]),
      ].join("\n"),
    )
    .join("\n\n");

/** Everything that does not hold, wherever it stands. */
export function inspectionFaults(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(inspectionFaults);
  if (typeof value !== "object" || value === null) return [];
  const own = "faults" in value && Array.isArray(value.faults) ? value.faults.map(String) : [];
  return [...own, ...Object.values(value).flatMap(inspectionFaults)];
}
