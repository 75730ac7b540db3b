import { z } from "zod";
import { REPOSITORY, SERVICE_URL, UNPRINTED } from "./addresses.ts";
import { objectRef } from "./cluster-fields.ts";
import { text } from "./fields.ts";
import type { TextRule } from "./text-rule.ts";

const OWNER: TextRule = {
  what: "a name of the forge",
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  maxLength: 100,
  form: "write the bare name, without host and slash",
};

const AUDIENCE: TextRule = {
  what: "an audience",
  pattern: new RegExp(`^[^${UNPRINTED}]+$`, "u"),
  maxLength: 255,
  form: "write it without spaces, as the authority expects it",
};

const logs = {
  rekor: z
    .strictObject({ url: text(SERVICE_URL, "Address of the transparency log.", "https://rekor.example") })
    .meta({ description: "Transparency log; left out: none.", examples: [{ url: "https://rekor.example" }] })
    .exactOptional(),
  tsa: z
    .strictObject({
      url: text(SERVICE_URL, "Address of the time-stamp authority.", "https://tsa.example/api/v1/timestamp"),
    })
    .meta({ description: "Time-stamp authority; left out: none.", examples: [{ url: "https://tsa.example" }] })
    .exactOptional(),
};
const trustedRoot = objectRef("ConfigMap with the trusted root, key trusted_root.json.", "trusted-root");

/** Who signs, and where that is logged. */
export const Signing = z
  .discriminatedUnion("mode", [
    z.strictObject({
      mode: z.literal("key").meta({ description: "How: with a key, or keyless, with a certificate for an identity." }),
      keyRef: objectRef(
        "Secret with the private key, key cosign.key; left out: the local process keeps a key of its own.",
        "signing-key",
      ).exactOptional(),
      ...logs,
      trustedRootRef: trustedRoot.exactOptional(),
    }),
    z.strictObject({
      mode: z.literal("keyless"),
      fulcioURL: text(SERVICE_URL, "Address of the certificate authority.", "https://fulcio.example"),
      issuer: text(SERVICE_URL, "Issuer of the identity token.", "https://oidc.example"),
      identityTokenAudience: text(AUDIENCE, "Audience of the identity token.", "sigstore"),
      ...logs,
      trustedRootRef: trustedRoot,
    }),
  ])
  .meta({ description: "Who signs.", examples: [{ mode: "key" }] });

/** Where releases go. */
export const Publish = z
  .strictObject({
    oci: z
      .strictObject({
        repository: text(REPOSITORY, "Repository of releases.", "registry.example/powernode/images"),
        stagingRepository: text(
          REPOSITORY,
          "Repository of runs before they are compared.",
          "registry.example/powernode/staging",
        ),
        inputsRepository: text(REPOSITORY, "Repository where inputs are kept.", "registry.example/powernode/inputs"),
        credentialsRef: objectRef("Secret of type kubernetes.io/dockerconfigjson, key .dockerconfigjson.", "registry"),
        caRef: objectRef("ConfigMap with a CA certificate, key ca.crt.", "registry-ca").exactOptional(),
      })
      .meta({ description: "The registry." }),
    forge: z
      .strictObject({
        kind: z.literal("gitea").meta({ description: "Kind of forge.", examples: ["gitea"] }),
        url: text(SERVICE_URL, "Address of the forge.", "https://git.example"),
        owner: text(OWNER, "Owner of the repository.", "powernode"),
        repo: text(OWNER, "Repository that gets the release.", "images"),
        tokenRef: objectRef("Secret with an access token, key token.", "forge-token"),
      })
      .meta({ description: "Forge that shows the release's files; left out: none." })
      .exactOptional(),
  })
  .meta({ description: "Where releases go; left out: the local process keeps them in its state folder." });

/** Who is told. */
export const Notify = z
  .strictObject({
    url: text(
      SERVICE_URL,
      "The platform's webhook.",
      "https://platform.example/api/v1/system/webhooks/disk_image/built/1",
    ),
    secretRef: objectRef("Secret with the HMAC key, key secret.", "platform-webhook"),
  })
  .meta({ description: "The platform's webhook; left out: nobody is told." });
