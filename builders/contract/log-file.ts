import { z } from "zod";

/** A piece of a file, as a pod puts it into its log: the only way out of a boot pod. One JSON object per line. */
const LogPiece = z.strictObject({ file: z.string(), base64: z.base64() });

/** Bytes of a piece: its line stays below what a container runtime passes on whole (CRI, 16 KiB). */
const PIECE_BYTES = 8 * 1024;

/** The lines that carry a file. */
export function logLines(file: string, bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    const base64 = Buffer.from(bytes.subarray(at, at + PIECE_BYTES)).toString("base64");
    lines.push(JSON.stringify({ file, base64 } satisfies z.infer<typeof LogPiece>));
  }
  return lines;
}

/** A file out of a log, among whatever else stands there; empty if none of it does. Whoever asks compares its digest. */
export function fileInLog(log: string, file: string): Uint8Array {
  const pieces: Buffer[] = [];
  for (const line of log.split("\n")) {
    if (!line.startsWith('{"file":')) continue;
    let piece: z.infer<typeof LogPiece> | undefined;
    try {
      piece = LogPiece.safeParse(JSON.parse(line)).data;
    } catch {
      continue; // cut in two
    }
    if (piece?.file === file) pieces.push(Buffer.from(piece.base64, "base64"));
  }
  return Buffer.concat(pieces);
}
