/**
 * Package URLs (ECMA-427). What is not unreserved is percent-encoded; a colon never is
 * ("Character encoding").
 */
const encoded = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%3A", ":")
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** A Debian package: `pkg:deb/debian/bash@5.2.37-2%2Bb10?arch=amd64&distro=trixie`. It names no host. */
export const debPurl = (of: {
  /** the archive's name, which is the vendor: `debian` */
  readonly archive: string;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly suite: string;
}): string =>
  `pkg:deb/${encoded(of.archive)}/${encoded(of.name)}@${encoded(of.version)}?arch=${encoded(of.arch)}&distro=${encoded(of.suite)}`;

/** A container image by digest, without the registry that has it: `pkg:oci/ubuntu@sha256:…`. */
export const ociPurl = (name: string, digest: string): string => `pkg:oci/${encoded(name)}@${encoded(digest)}`;

/** Something that no package manager knows by this name, such as a release of ours. */
export const genericPurl = (name: string, version: string): string =>
  `pkg:generic/${encoded(name)}@${encoded(version)}`;
