import { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";
import { oneLine } from "../../domain/format.ts";
import { type Place, placeText } from "./resource.ts";

/** What the API server can be asked to do; the verbs of its access rules ("Determine the Request Verb"). */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** A call as messages name it. */
export type Call = { readonly verb: Verb; readonly place: Place };

const Status = z.object({
  code: z.number().optional(),
  reason: z.string().default(""),
  message: z.string().default(""),
  details: z
    .object({
      retryAfterSeconds: z.number().optional(),
      causes: z
        .array(
          z.object({ reason: z.string().default(""), message: z.string().default(""), field: z.string().default("") }),
        )
        .optional(),
    })
    .nullish(),
});
/** Why a call failed, in the API server's own words ("API Conventions", "Response Status Kind"). */
export type Status = z.infer<typeof Status>;

const MAX_SHOWN = 600;

/** The Status in a failed answer; whatever else answers has only its HTTP status. */
export function parseStatus(body: unknown): Status {
  const parsed = Status.safeParse(body);
  return parsed.success ? parsed.data : { reason: "", message: "" };
}

const callText = ({ verb, place }: Call): string => `${verb} ${placeText(place)}`;

/** The rule that a Role lacks for this call, as one writes it there; deploy/ has all that this version asks for. */
function missingRight({ verb, place: { resource, subresource, namespace } }: Call): string {
  const plural = [resource.plural, subresource].filter((part) => part !== undefined).join("/");
  const where = namespace === undefined ? "in a ClusterRole" : `in a Role of namespace ${namespace}`;
  return `grant apiGroups [${JSON.stringify(resource.group)}], resources [${plural}], verbs [${verb}] ${where}, or apply deploy/ again`;
}

const UNAVAILABLE = "it is tried again; see whether the API server runs and can be reached";

/**
 * The fault that an answer other than 2xx means: its kind decides what happens next.
 * `status`: the HTTP status (of a fault that passes, it is found in `cause`), or the code of an ERROR event; `retryAfter`: milliseconds, from the header.
 */
export function apiFault(call: Call, status: number, said: Status, retryAfter?: number): ReleaseError {
  const what = callText(call);
  const message = oneLine(said.message).slice(0, MAX_SHOWN);
  const text = `${what}: HTTP ${status}${message === "" ? "" : `: ${message}`}`;
  const seconds = said.details?.retryAfterSeconds;
  const wait = retryAfter ?? (seconds === undefined ? undefined : seconds * 1000);
  if (status === 429 || status === 408 || status >= 500) {
    return new ReleaseError("ClusterUnavailable", text, UNAVAILABLE, { cause: { status }, retryAfter: wait });
  }
  switch (status) {
    case 401:
      return new ReleaseError("Unauthorized", text, "see whether the token or certificate that we use is still good");
    case 403:
      return forbidden(call, text, message);
    case 404:
      return new ReleaseError(
        "NotFound",
        text,
        "see whether it was deleted, or its CustomResourceDefinition is missing",
      );
    case 409:
      return said.reason === "AlreadyExists"
        ? new ReleaseError("ObjectExists", text, "see who made it: two objects have the same name")
        : new ReleaseError("ObjectConflict", text, "it was changed meanwhile; it is read and tried again");
    case 410:
      return new ReleaseError("VersionExpired", text, "it is listed again");
    case 422: {
      const causes = (said.details?.causes ?? []).map(({ field, message: why }) => oneLine(`${field}: ${why}`));
      const listed = causes.length === 0 ? text : `${what}: ${causes.join("; ").slice(0, MAX_SHOWN)}`;
      return new ReleaseError("ObjectInvalid", listed, "see whether the CustomResourceDefinitions are this version's");
    }
    default:
      return new ReleaseError("ClusterRefused", text, "read what the API server says, and its log");
  }
}

/** 403 has several meanings, which only the text tells apart. */
function forbidden(call: Call, text: string, message: string): ReleaseError {
  if (message.includes("exceeded quota")) {
    return new ReleaseError(
      "QuotaFull",
      text,
      "it is tried again; raise the namespace's ResourceQuota if it stays full",
    );
  }
  if (message === "" || /\bcannot \w+ resource\b/.test(message)) {
    return new ReleaseError("Unauthorized", text, missingRight(call));
  }
  return new ReleaseError(
    "ClusterRefused",
    text,
    "an admission rule of the cluster says no: change the object or the rule",
  );
}
