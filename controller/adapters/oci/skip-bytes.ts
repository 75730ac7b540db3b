/** The same bytes without the first `count`. */
export async function* skipBytes(
  chunks: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array, void, void> {
  let left = count;
  for await (const chunk of chunks) {
    const skip = Math.min(chunk.byteLength, left);
    left -= skip;
    if (skip < chunk.byteLength) yield chunk.subarray(skip);
  }
}
