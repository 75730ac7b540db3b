import { stringify } from "yaml";
import { classCrd } from "./class-crd.ts";
import type { CustomResource } from "./custom-resource.ts";
import { releaseCrd } from "./release-crd.ts";
import { sourceCrd } from "./source-crd.ts";

/** The CustomResourceDefinitions of our kinds. */
export const customResources = (): readonly CustomResource[] => [releaseCrd(), classCrd(), sourceCrd()];

/** The same as YAML, by file name in crds/. */
export const crdFiles = (): ReadonlyMap<string, string> =>
  new Map(
    customResources().map((crd) => [
      `${crd.spec.names.plural}.yaml`,
      stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false }),
    ]),
  );
