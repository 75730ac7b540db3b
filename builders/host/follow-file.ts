import { once } from "node:events";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a growing file is looked at, milliseconds. */
const INTERVAL = 100;
const CHUNK = 64 * 1024;

/**
 * Reads a file while another process appends to it and calls `onLine` for each line. The promise settles once `ended`
 * has and all that was written until then is read; a last line without its end counts.
 * @throws NodeJS.ErrnoException if the file cannot be read
 */
export async function followFile(path: string, onLine: (line: string) => void, ended: Promise<unknown>): Promise<void> {
  await using file = await open(path);
  const stream = new PassThrough();
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
  const closed = once(lines, "close");
  let over = false;
  const end = ended.then(
    () => (over = true),
    () => (over = true),
  );
  for (;;) {
    const last = over; // asked before reading: what came before the end is read after it
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const { bytesRead } = await file.read(chunk);
      if (bytesRead === 0) break;
      if (!stream.write(chunk.subarray(0, bytesRead))) await once(stream, "drain");
    }
    if (last) break;
    await Promise.race([sleep(INTERVAL), end]);
  }
  stream.end();
  await closed;
}
