import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Ranges that are not the public internet (IANA special-purpose address registries, RFC 6890). */
const SPECIAL: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16], // link-local, and where clouds serve their metadata
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  ["::", 127],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 9],
  ["ff00::", 8],
];

const family = (address: string): "ipv4" | "ipv6" => (isIP(address) === 4 ? "ipv4" : "ipv6");

const blocked = new BlockList();
for (const [network, prefix] of SPECIAL) blocked.addSubnet(network, prefix, family(network));

/**
 * Whether an IP address is one of the public internet. IPv4 inside IPv6 (mapped, or through NAT64: RFC 6052) counts as
 * the IPv4 address that is meant. A zone (`%eth0`) makes an address link-local.
 */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^64:ff9b::(?!1:)/, "::ffff:");
  return isIP(plain) !== 0 && !plain.includes("%") && !blocked.check(plain, family(plain));
}

const refusal = (host: string, address: string): Error & { readonly code: string } =>
  Object.assign(
    new Error(`${host} is ${address === host ? "" : `${address}, `}not a public address, which is not allowed`),
    { code: ADDRESS_REFUSED },
  );

/** Code of the error for an address that may not be called. */
export const ADDRESS_REFUSED = "ERR_ADDRESS_REFUSED";

/** Resolves names as Node does, and refuses a name of which any address is not public: what was checked is connected to. */
export const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const refused = addresses?.find(({ address }) => !isPublicAddress(address));
    if (error !== null) callback(error, "");
    else if (refused !== undefined) callback(refusal(host, refused.address), "");
    else if (options.all === true) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  });
};

/**
 * Refuses a URL whose host is an address that is not public; names are up to {@link publicLookup}.
 * @throws Error with code {@link ADDRESS_REFUSED}
 */
export function refusePrivateHost(url: URL): void {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw refusal(host, host);
}
