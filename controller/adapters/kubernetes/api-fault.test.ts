import { describe, expect, it } from "vitest";
import { apiFault, type Call, parseStatus } from "./api-fault.ts";
import { LEASES, PODS } from "./resource.ts";

const call: Call = { verb: "patch", place: { resource: LEASES, namespace: "imgrel-system", name: "leader" } };
const said = (fields: Record<string, unknown> = {}) => parseStatus({ kind: "Status", ...fields });

describe("an answer that is no success", () => {
  it.each([
    [400, {}, "ClusterRefused", "permanent"],
    [401, {}, "Unauthorized", "permanent"],
    [404, { reason: "NotFound" }, "NotFound", "permanent"],
    [405, {}, "ClusterRefused", "permanent"],
    [408, {}, "ClusterUnavailable", "transient"],
    [409, { reason: "AlreadyExists" }, "ObjectExists", "permanent"],
    [409, { reason: "Conflict" }, "ObjectConflict", "transient"],
    [410, { reason: "Expired" }, "VersionExpired", "transient"],
    [422, { reason: "Invalid" }, "ObjectInvalid", "permanent"],
    [429, {}, "ClusterUnavailable", "transient"],
    [500, {}, "ClusterUnavailable", "transient"],
    [503, {}, "ClusterUnavailable", "transient"],
    [504, {}, "ClusterUnavailable", "transient"],
    [302, {}, "ClusterRefused", "permanent"],
  ] as const)("%i %j is %s", (status, fields, code, kind) => {
    expect(apiFault(call, status, said(fields))).toMatchObject({ code, kind });
  });

  it("names the call, and what the server says on one line", () => {
    const { message } = apiFault(call, 404, said({ message: 'leases "leader"\nnot found' }));
    expect(message).toBe('patch leases.coordination.k8s.io imgrel-system/leader: HTTP 404: leases "leader" not found');
  });

  it("says which right is missing", () => {
    const message =
      'pods "x" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "b"';
    const place = { resource: PODS, namespace: "b", name: "x", subresource: "log" } as const;
    const fault = apiFault({ verb: "get", place }, 403, said({ reason: "Forbidden", message }));
    expect(fault.code).toBe("Unauthorized");
    expect(fault.remedy).toBe(
      'grant apiGroups [""], resources [pods/log], verbs [get] in a Role of namespace b, or apply deploy/ again',
    );
    expect(apiFault({ verb: "list", place: { resource: PODS } }, 403, said()).remedy).toMatch(
      /in a ClusterRole, or apply/,
    );
  });

  it("knows a full quota and an admission rule from a missing right", () => {
    const quota = said({ message: 'pods "x" is forbidden: exceeded quota: build, requested: cpu=2' });
    expect(apiFault(call, 403, quota)).toMatchObject({ code: "QuotaFull", kind: "transient" });
    const rule = said({ message: 'pods "x" is forbidden: violates PodSecurity "restricted:latest"' });
    expect(apiFault(call, 403, rule)).toMatchObject({ code: "ClusterRefused", kind: "permanent" });
  });

  it("lists each field that is invalid", () => {
    const causes = [
      { field: "spec.builds", message: "must be at least 2" },
      { field: "spec.inputs", message: "is immutable" },
    ];
    const { message } = apiFault(call, 422, said({ message: "long", details: { causes } }));
    expect(message).toContain("spec.builds: must be at least 2; spec.inputs: is immutable");
  });

  it("keeps how long to wait, from the header or from the body", () => {
    expect(apiFault(call, 429, said(), 3000).retryAfter).toBe(3000);
    expect(apiFault(call, 503, said({ details: { retryAfterSeconds: 7 } })).retryAfter).toBe(7000);
    expect(apiFault(call, 500, said()).retryAfter).toBeUndefined();
  });

  it("has only its status when something else than an API server answers", () => {
    expect(apiFault(call, 502, parseStatus("<html>")).message).toMatch(/: HTTP 502$/);
  });
});
