import { compareDpkgVersions } from "./dpkg-version.ts";
import { ReleaseError } from "./errors.ts";

/** A kernel package's name, taken apart: `linux-image-<release>-<flavour>`. */
export type KernelName = {
  /** version and ABI, as `uname -r` starts: `6.12.117+deb13`, `6.8.0-45` */
  readonly release: string;
  /** upstream's version line, `6.12` */
  readonly series: string;
  /** `amd64`, `cloud-amd64`, `generic` */
  readonly flavour: string;
};

// The form of pins.ts, in its parts. Debian names 6.12.117+deb13-amd64 and 6.1.0-18-amd64, Ubuntu 6.8.0-45-generic.
const NAME =
  /^linux-image-((?<series>[0-9]+\.[0-9]+)\.[0-9]+(?:-[0-9][0-9a-z.]*|\+deb[0-9]+(?:\.[0-9]+)?(?:-[0-9]+)?))-(?<flavour>[a-z0-9]+(?:-[a-z0-9]+)*)$/;

/** A kernel package that an archive offers. */
export type KernelOffer = { readonly name: string; readonly version: string };

/** Takes a kernel package's name apart; null for a name without version, ABI or flavour, such as a meta package. */
export function parseKernelName(name: string): KernelName | null {
  const match = NAME.exec(name);
  const release = match?.[1];
  const { series, flavour } = match?.groups ?? {};
  return release === undefined || series === undefined || flavour === undefined ? null : { release, series, flavour };
}

/**
 * The newest kernel of the same flavour: by version and ABI in its name, then by package version. A kernel of the
 * pinned one's own series goes before a newer series, so that a bump never changes more than it must.
 * @throws ReleaseError NotFound if the archive offers no kernel of that flavour, SpecInvalid if `pinned` is no kernel
 */
export function newestKernel(pinned: string, offers: readonly KernelOffer[]): KernelOffer {
  const kernel = parseKernelName(pinned);
  if (kernel === null) {
    throw new ReleaseError(
      "SpecInvalid",
      `${pinned} is not a kernel package with version, ABI and flavour`,
      "name one, such as linux-image-6.12.117+deb13-amd64",
    );
  }
  const same = offers
    .map((offer) => ({ offer, name: parseKernelName(offer.name) }))
    .flatMap(({ offer, name }) => (name?.flavour === kernel.flavour ? [{ offer, name }] : []));
  const ofSeries = same.filter(({ name }) => name.series === kernel.series);
  const [best] = (ofSeries.length > 0 ? ofSeries : same).toSorted(
    (a, b) =>
      compareDpkgVersions(b.name.release, a.name.release) || compareDpkgVersions(b.offer.version, a.offer.version),
  );
  if (best !== undefined) return best.offer;
  throw new ReleaseError(
    "NotFound",
    `the archive offers no kernel of the flavour ${kernel.flavour}, which ${pinned} has`,
    "name a kernel of another flavour in spec.inputs.kernelPackage",
  );
}
