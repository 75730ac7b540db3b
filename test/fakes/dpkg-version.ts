import fc from "fast-check";

const part = fc.string({ unit: fc.constantFrom("0", "1", "9", "10", "a", "b", "Z", "+", "~", "."), maxLength: 6 });
/** dpkg versions that are alike often enough to make their differences matter. */
export const dpkgVersion = fc
  .tuple(fc.option(fc.constantFrom("0", "1", "10", "007")), part, fc.option(part))
  .map(([epoch, upstream, revision]) => {
    return `${epoch === null ? "" : `${epoch}:`}1${upstream}${revision === null ? "" : `-${revision}0`}`;
  });
