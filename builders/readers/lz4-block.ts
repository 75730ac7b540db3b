const MIN_MATCH = 4;
const LONG = 15;

/**
 * Decompresses one LZ4 block (lz4, doc/lz4_Block_format.md) up to `size` bytes; what follows is not looked at.
 * @throws RangeError if the block is no LZ4 block, or holds less
 */
export function decodeLz4(block: Uint8Array, size: number): Buffer {
  const out = Buffer.allocUnsafe(size);
  let [at, made] = [0, 0];
  const byte = (): number => {
    const value = block[at];
    if (value === undefined) throw new RangeError(`an LZ4 block ends at byte ${at}`);
    at += 1;
    return value;
  };
  const lengthOf = (start: number): number => {
    let length = start;
    if (start === LONG) {
      for (let more = 255; more === 255; ) {
        more = byte();
        length += more;
      }
    }
    return length;
  };
  while (made < size) {
    const token = byte();
    const literals = Math.min(lengthOf(token >> 4), size - made);
    if (at + literals > block.length) throw new RangeError(`an LZ4 block has ${literals} literals at byte ${at}`);
    out.set(block.subarray(at, at + literals), made);
    at += literals;
    made += literals;
    if (made === size) break;
    const distance = byte() | (byte() << 8);
    if (distance === 0 || distance > made) throw new RangeError(`an LZ4 block goes back ${distance} at byte ${at}`);
    const end = Math.min(made + lengthOf(token & LONG) + MIN_MATCH, size);
    if (distance >= end - made) {
      out.copyWithin(made, made - distance, end - distance);
      made = end;
    } else {
      for (; made < end; made++) out[made] = out[made - distance] ?? 0; // the match overlaps what it makes
    }
  }
  return out;
}
