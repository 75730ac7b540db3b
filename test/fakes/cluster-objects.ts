import {
  type ClusterClass,
  type ClusterRelease,
  type ClusterSource,
  readClusterClass,
  readClusterRelease,
  readClusterSource,
} from "../../controller/domain/cluster-objects.ts";
import { API_VERSION } from "../../controller/domain/release.ts";
import { readReleaseFolder } from "../../controller/domain/release-folder.ts";
import { folderContent, releaseObject } from "../../controller/domain/release-object.ts";
import { demoSpec } from "./demo-release.ts";

const NAMESPACE = "imgrel-system";
const IMAGE = `registry.example/imgrel/builder@sha256:${"0".repeat(64)}`;

/** What the API server adds to an object. */
const serverMetadata = (name: string) => ({
  ...{ name, namespace: NAMESPACE, uid: `uid-of-${name}`, generation: 1 },
  creationTimestamp: "2026-11-26T00:00:00Z",
});

/** As it comes over the wire: what is undefined is not there. */
const sent = (object: object): unknown => JSON.parse(JSON.stringify(object));

/** A class that a cluster can run, as people apply it; `over` replaces parts of its spec. */
export const classObject = (name: string, namespace: string, over: object = {}) => ({
  ...{ apiVersion: API_VERSION, kind: "DiskImageReleaseClass", metadata: { name, namespace } },
  spec: {
    archives: { debian: { sources: [{ kind: "system" }], keyring: "debian-archive-keyring.gpg" } },
    gate: {},
    build: {
      ...{ namespace: "imgrel-build", serviceAccountName: "imgrel-builder", builderImage: IMAGE, bootImage: IMAGE },
      scratch: { size: "20Gi" },
    },
    signing: { mode: "key", keyRef: { name: "signing-key" } },
    publish: {
      oci: {
        ...{ repository: "registry.example/images", stagingRepository: "registry.example/staging" },
        ...{ inputsRepository: "registry.example/inputs", credentialsRef: { name: "registry" } },
      },
    },
    ...over,
  },
});

/** A source as people apply it; `over` replaces parts of its spec. */
export const sourceObject = (name: string, namespace: string, over: object = {}) => ({
  ...{ apiVersion: API_VERSION, kind: "DiskImageReleaseSource", metadata: { name, namespace } },
  spec: {
    ...{ url: "https://git.example/releases.git", branch: "main", allowedClasses: ["local"] },
    writeBack: { author: { name: "imgrel", email: "imgrel@example.org" } },
    ...over,
  },
});

export const clusterClass = (name = "local", over: object = {}): ClusterClass =>
  readClusterClass(sent({ ...classObject(name, NAMESPACE, over), metadata: serverMetadata(name) }));

export const clusterSource = (name = "releases", over: object = {}): ClusterSource =>
  readClusterSource(sent({ ...sourceObject(name, NAMESPACE, over), metadata: serverMetadata(name) }));

/** The folder of a release with one target and no lock. */
export function demoFolder(name = "demo") {
  const text = demoSpec("", "    - { variant: kernel-initrd, arch: amd64 }\n").replace("name: demo", `name: ${name}`);
  return readReleaseFolder(name, `specs/${name}`, new Map([["release.yaml", new TextEncoder().encode(text)]]));
}

/** The object of that folder, as the API server sends it; `metadata`, `spec` and `status` are added or replaced. */
export function clusterRelease(
  over: { readonly metadata?: object; readonly spec?: object; readonly status?: object } = {},
  commit = "a".repeat(40),
): ClusterRelease {
  const facts = {
    name: "releases",
    namespace: NAMESPACE,
    repository: "https://git.example/releases.git",
    path: "specs",
  };
  const object = releaseObject(facts, folderContent(demoFolder()), commit);
  return readClusterRelease({
    ...object,
    metadata: { ...object.metadata, ...serverMetadata("demo"), ...over.metadata },
    spec: { ...object.spec, ...over.spec },
    ...(over.status === undefined ? {} : { status: over.status }),
  });
}
