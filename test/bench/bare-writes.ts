import type { ApiObject } from "../../controller/adapters/kubernetes/api-object.ts";
import { MANAGERS, RELEASES } from "../../controller/adapters/kubernetes/release-kinds.ts";
import { EVENTS } from "../../controller/adapters/kubernetes/resource.ts";
import { BARE_NAMESPACE, NAMESPACE, type Room } from "./cluster-room.ts";
import type { Figures } from "./cluster-figures.ts";
import { SIGNAL } from "./demo.ts";

/** What the controller wrote of one release, to be written again. */
type Sample = { readonly release: ApiObject; readonly event: ApiObject };

async function sampleOf({ client }: Room, name: string): Promise<Sample> {
  const release = await client.get({ resource: RELEASES, namespace: NAMESPACE, name }, SIGNAL);
  const events = await client.list({ resource: EVENTS, namespace: NAMESPACE, limit: 1 }, SIGNAL);
  const [event] = events.items;
  if (release === undefined || event === undefined) throw new Error(`${name} was not released`);
  return { release, event };
}

/** Who owns the status of the bare loop's objects. */
const STATUS = { manager: MANAGERS.status, force: true, subresource: "status" } as const;

/**
 * Sends the same number of the same requests as a round of the controller did, for as many objects at once, without
 * thinking: objects, finalizers, statuses and events as the controller left them.
 * @returns seconds
 */
export async function bareWrites(
  room: Room,
  round: { readonly names: readonly string[]; readonly calls: Figures["calls"] },
  atOnce: number,
): Promise<number> {
  const { client } = room;
  const { release, event } = await sampleOf(room, round.names[0] ?? "");
  const each = (call: string): number => Math.round((round.calls[call] ?? 0) / round.names.length);
  const of = { applies: each("patch diskimagereleases"), statuses: each("patch diskimagereleases/status") };
  const events = each("create events");
  const status = release["status"] as Readonly<Record<string, unknown>>;
  const regarding = event["regarding"] as Readonly<Record<string, unknown>>;
  const write = async (name: string): Promise<void> => {
    const metadata = { namespace: BARE_NAMESPACE, name };
    const { uid } = (
      await client.apply(
        RELEASES,
        { metadata: { ...metadata, labels: release.metadata.labels }, spec: release["spec"] },
        { manager: MANAGERS.sync },
        SIGNAL,
      )
    ).metadata;
    for (let nth = 1; nth < of.applies; nth += 1) {
      const finalizers = nth % 2 === 1 ? ["releases.powernode.io/jobs"] : [];
      const object = { metadata: { ...metadata, uid, finalizers } };
      await client.apply(RELEASES, object, { manager: MANAGERS.jobs, force: true }, SIGNAL);
    }
    for (let nth = 0; nth < of.statuses; nth += 1) {
      const changed = { ...status, attempt: nth + 1 };
      await client.apply(RELEASES, { metadata: { ...metadata, uid }, status: changed }, STATUS, SIGNAL);
    }
  };
  const tell = async (name: string): Promise<void> => {
    const { metadata: _, apiVersion: _version, kind: _kind, ...fields } = event;
    for (let nth = 0; nth < events; nth += 1) {
      const object = {
        ...fields,
        metadata: { namespace: BARE_NAMESPACE, name: `${name}.${nth}` },
        regarding: { ...regarding, namespace: BARE_NAMESPACE, name },
      };
      await client.create(EVENTS, object, SIGNAL);
    }
  };
  const begun = performance.now();
  const queue = round.names[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const name of queue) await Promise.all([write(name), tell(name)]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (performance.now() - begun) / 1000;
}

/** Requests at a time while objects are copied. */
const COPIERS = 16;

/** Makes more objects that are as released as this one. */
export async function copyReleased({ client }: Room, name: string, copies: number): Promise<void> {
  const sample = await client.get({ resource: RELEASES, namespace: NAMESPACE, name }, SIGNAL);
  if (sample === undefined) throw new Error(`there is no ${name}`);
  const numbers = Array.from({ length: copies }, (_, index) => index)[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const number of numbers) {
      const metadata = { namespace: NAMESPACE, name: `${name}-${number}` };
      const { labels } = sample.metadata;
      const object = { metadata: { ...metadata, labels }, spec: sample["spec"] };
      await client.apply(RELEASES, object, { manager: MANAGERS.sync }, SIGNAL);
      await client.apply(RELEASES, { metadata, status: sample["status"] }, STATUS, SIGNAL);
    }
  };
  await Promise.all(Array.from({ length: COPIERS }, worker));
}
