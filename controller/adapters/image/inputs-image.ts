import { createHash } from "node:crypto";
import type { BuildRequest } from "../../../builders/contract/build-request.ts";
import { type Sha256Hex, stableJson } from "../../../builders/contract/digest.ts";
import { BOOT_UID, INSIDE } from "../../../builders/contract/inside.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { newestIndex } from "../../domain/lock-date.ts";
import { type Descriptor, OCI } from "../../domain/oci.ts";
import type { BlobSource } from "../../ports/artifact-store.ts";
import { checkFile } from "../oci/blob-source.ts";
import { checkedBytes, showFound } from "../oci/checked-bytes.ts";
import { type MadeImage, madeImage } from "./made-image.ts";
import { type Content, placedFiles } from "./placed-files.ts";
import { type TarEntry, tarStream } from "./tar-stream.ts";

/** Where the inputs lie in their image, as {@link INSIDE} has them below /in. */
const INPUTS = "inputs";
const COPIER = "bin/busybox";

export type InputsImageOptions = {
  /** what the builder is asked for; the packages of its lock are the inputs */
  readonly request: BuildRequest;
  /** a busybox that needs no library: in the controller's image it is /usr/bin/busybox */
  readonly copier: string;
  /** file of a package (PackageStore) */
  readonly pathOf: (sha256: Sha256Hex) => string;
  readonly signal: AbortSignal;
};

/** The bytes of a layer anew, as often as a store asks: nothing is written to disk on the way. */
const packedAnew = (entries: readonly TarEntry[]): BlobSource => ({
  kind: "stored",
  store: {
    readBlob: (descriptor, read) =>
      read(
        checkedBytes(tarStream(entries), descriptor, (found) => {
          const message = `the layer of inputs should be ${descriptor.digest}, it is ${showFound(found)}`;
          return new ReleaseError("InputDigestMismatch", message, "something changed a package: fetch it again");
        }),
      ),
  },
});

async function measure(entries: readonly TarEntry[], signal: AbortSignal): Promise<Descriptor> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of tarStream(entries)) {
    signal.throwIfAborted();
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { mediaType: OCI.layer, digest: `sha256:${hash.digest("hex")}`, size };
}

/**
 * The inputs of one arch as an image of one layer (trust.md 6): request and packages below `/inputs`, in the order that a
 * builder expects below /in, and the program that copies them there. Its container is an init container of a build: the
 * kubelet pulls the image by digest, so that the pod itself needs no network. Packages are compressed already; the layer is
 * a plain tar, which pushArtifact streams from the packages' own files. Same request, same digest.
 * @throws ReleaseError InputMissing, InputDigestMismatch for a package or the copier
 */
export async function inputsImage(options: InputsImageOptions): Promise<MadeImage> {
  const { request, copier, pathOf, signal } = options;
  const inputs = new Map<string, Content>([
    [`${INPUTS}${INSIDE.request.slice("/in".length)}`, new TextEncoder().encode(stableJson(request))],
  ]);
  for (const { sha256, size } of request.lock.packages) {
    const path = pathOf(sha256);
    await checkFile({ mediaType: "", digest: `sha256:${sha256}`, size }, path, signal);
    inputs.set(`${INPUTS}${INSIDE.blobs.slice("/in".length)}/${sha256.slice(0, 2)}/${sha256}`, path);
  }
  const epoch = newestIndex([request.lock]);
  const entries = await placedFiles(new Map([...inputs, [COPIER, copier]]), epoch);
  const blob = await measure(entries, signal);
  const content = {
    arch: request.arch,
    layers: [{ blob, diffId: blob.digest, comment: "inputs" }],
    labels: {},
    sourceDateEpoch: epoch,
    user: `${BOOT_UID}:${BOOT_UID}`,
    entrypoint: [`/${COPIER}`],
    command: ["cp", "-r", `/${INPUTS}/.`, "/in/"],
    workingDirectory: "/",
    env: {},
  };
  return madeImage(content, [[blob.digest, packedAnew(entries)]]);
}
