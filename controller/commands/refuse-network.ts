import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const LOOKUPS = /^(?:lookup|lookupService|reverse|resolve.*)$/;

/** Every function through which this process could reach another machine, or a server on this one. */
const doors = (): (readonly [owner: object, name: string])[] => [
  [net.Socket.prototype, "connect"],
  [dgram.Socket.prototype, "bind"],
  [dgram.Socket.prototype, "connect"],
  [dgram.Socket.prototype, "send"],
  ...[dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype].flatMap((owner: object) =>
    namesOf(owner)
      .filter((name) => LOOKUPS.test(name))
      .map((name) => [owner, name] as const),
  ),
];

/** Names of an object and of what it inherits. */
function namesOf(owner: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = owner; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}

/**
 * From here on no socket of this process connects and no name is looked up: both throw. Programs that it starts are not
 * covered; git has its own refusal (adapters/git/audited-repository.ts).
 * @returns takes the refusal back
 */
export function refuseNetwork(): () => void {
  const kept = doors().map(([owner, name]) => ({ owner, name, own: Reflect.getOwnPropertyDescriptor(owner, name) }));
  for (const { owner, name } of kept) {
    const refuse = (): never => {
      throw new Error(`--offline: ${name} was called, but this process may not use the network`);
    };
    Reflect.defineProperty(owner, name, { value: refuse, configurable: true, writable: true });
  }
  syncBuiltinESMExports();
  return () => {
    for (const { owner, name, own } of kept) {
      if (own === undefined) Reflect.deleteProperty(owner, name);
      else Reflect.defineProperty(owner, name, own);
    }
    syncBuiltinESMExports();
  };
}
