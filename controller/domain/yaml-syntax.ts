import type { YAMLError } from "yaml";
import type { Fault } from "./text-rule.ts";

const INDENT = "indent with spaces, entries of one mapping or list in the same column";

// By the parser's error codes; its own messages are about the grammar, these about the file.
const FAULTS: Readonly<Partial<Record<YAMLError["code"], Fault>>> = {
  TAB_AS_INDENT: { message: "a tab indents this line", remedy: "indent with spaces" },
  BAD_INDENT: { message: "the indentation does not fit what stands above, or a bracket is not closed", remedy: INDENT },
  BAD_DQ_ESCAPE: {
    message: "an escape in double quotes is unknown",
    remedy: "write \\\\ for a backslash, or use single quotes",
  },
  BAD_SCALAR_START: { message: "a value starts with a character that YAML reserves", remedy: "quote the value" },
  BLOCK_AS_IMPLICIT_KEY: {
    message: "a mapping or list starts inside a line, or the indentation does not fit",
    remedy: `quote a value that holds ": "; otherwise ${INDENT}`,
  },
  BLOCK_IN_FLOW: { message: "a block starts inside brackets", remedy: "close the bracket first" },
  MISSING_CHAR: { message: "a colon, a quote, a comma or a bracket is missing", remedy: "add it before this place" },
  MULTILINE_IMPLICIT_KEY: { message: "a line has no key and no value", remedy: "write key: value" },
  UNEXPECTED_TOKEN: {
    message: "this does not belong here",
    remedy: "close quotes and brackets before it, and quote a value that needs it",
  },
  MULTIPLE_ANCHORS: { message: "anchors are refused", remedy: "remove them, and write each value where it belongs" },
  MULTIPLE_TAGS: { message: "tags are refused", remedy: "remove them; quote a value that must be text" },
  TAG_RESOLVE_FAILED: { message: "tags are refused", remedy: "remove the tag; quote a value that must be text" },
  BAD_COLLECTION_TYPE: { message: "tags are refused", remedy: "remove the tag" },
  ALIAS_PROPS: { message: "an alias is refused", remedy: "write the value itself" },
  BAD_ALIAS: { message: "an alias is refused", remedy: "write the value itself" },
  KEY_OVER_1024_CHARS: { message: "a key is longer than 1024 characters", remedy: "write key: value" },
};

// Some codes stand for several mistakes; the parser's message tells them apart.
const UNCLOSED = [
  {
    told: /^Missing closing ("|')quote/,
    fault: { message: "a quoted text is not closed", remedy: "add the closing quote" },
  },
  {
    told: /and end with a [\]}]$/,
    fault: { message: "a bracket above is not closed", remedy: "close it with ] or }" },
  },
];

/** What a syntax error of the YAML parser means for the person who wrote the file. */
export const syntaxFault = (error: YAMLError): Fault =>
  UNCLOSED.find(({ told }) => told.test(error.message))?.fault ??
  FAULTS[error.code] ?? { message: `not YAML: ${error.message}`, remedy: "correct the syntax at this place" };
