import { z } from "zod";
import type { Lease, StoredLease } from "../../domain/lease.ts";
import type { LeaseStore } from "../../ports/lease-store.ts";
import type { ApiClient } from "./api-client.ts";
import type { ApiObject } from "./api-object.ts";
import { microTime } from "./micro-time.ts";
import { LEASES } from "./resource.ts";

const moment = z
  .string()
  .nullish()
  .transform((text) => new Date(text ?? 0));

/** LeaseSpec of coordination.k8s.io/v1; whoever made the object may have left out any of it. */
const Spec = z
  .object({
    holderIdentity: z.string().nullish(),
    leaseDurationSeconds: z.number().nullish(),
    acquireTime: moment,
    renewTime: moment,
    leaseTransitions: z.number().nullish(),
  })
  .prefault({});

function leaseOf({ metadata, ...rest }: ApiObject): StoredLease {
  const spec = Spec.parse(rest["spec"]);
  return {
    holder: spec.holderIdentity ?? "",
    durationSeconds: spec.leaseDurationSeconds ?? 0,
    acquired: spec.acquireTime,
    renewed: spec.renewTime,
    transitions: spec.leaseTransitions ?? 0,
    version: metadata.resourceVersion,
  };
}

/** The server refuses an empty holder: nobody is null. */
const specOf = ({ holder, durationSeconds, acquired, renewed, transitions }: Lease) => ({
  holderIdentity: holder === "" ? null : holder,
  leaseDurationSeconds: durationSeconds,
  acquireTime: microTime(acquired),
  renewTime: microTime(renewed),
  leaseTransitions: transitions,
});

/**
 * One Lease object of the cluster. Only its spec is written, so that labels of others stay.
 * @param onAnswer told each time the API server did what it was asked
 */
export function clusterLease(
  client: Pick<ApiClient, "get" | "create" | "patch">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  onAnswer: () => void = () => undefined,
): LeaseStore {
  const ref = { resource: LEASES, namespace, name };
  const answered = <T>(value: T): T => {
    onAnswer();
    return value;
  };
  return {
    read: async (signal) => {
      const found = answered(await client.get(ref, signal));
      return found === undefined ? undefined : leaseOf(found);
    },
    create: async (lease, signal) =>
      leaseOf(answered(await client.create(LEASES, { metadata: { namespace, name }, spec: specOf(lease) }, signal))),
    replace: async (resourceVersion, lease, signal) =>
      leaseOf(answered(await client.patch(ref, { metadata: { resourceVersion }, spec: specOf(lease) }, {}, signal))),
  };
}
