import { copyFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ingredientsOf, makeOutputs, makeRootFiles, seedOf } from "../../builders/build.ts";
import { BuildRequest } from "../../builders/contract/build-request.ts";
import { INSIDE } from "../../builders/contract/inside.ts";
import { findKernel } from "../../builders/steps/kernel.ts";
import { markPerturbed, perturb, wantedPerturbation } from "../../builders/steps/perturb.ts";
import { packRootImage } from "../../builders/steps/root-image.ts";
import type { StepContext } from "../../builders/steps/tool.ts";

// Runs inside the builder's sandbox on the folder of a finished run, whose root and initramfs it starts from: every
// later step is the builder's own. What is perturbed before is put back, so that the next one starts from the same.
const request = BuildRequest.parse(JSON.parse(await readFile(INSIDE.request, "utf8")));
const context: StepContext = {
  ...{ work: INSIDE.work, blobs: INSIDE.blobs, project: INSIDE.project },
  ...{ epoch: request.sourceDateEpoch, clockOffsetDays: 0, report: () => undefined },
  signal: new AbortController().signal,
  ...wantedPerturbation(process.env),
};
const hostname = join(INSIDE.work, "root/etc/hostname");
const initramfs = join(INSIDE.work, "initramfs.img");
const pristine = join(INSIDE.work, "initramfs.pristine");

await rm(join(INSIDE.work, "out", request.arch), { recursive: true, force: true });
await rm(join(INSIDE.work, "logs"), { recursive: true, force: true });
await copyFile(pristine, initramfs).catch(() => copyFile(initramfs, pristine));
await perturb(context, "cpio-member", initramfs);
await perturb(context, "root-file", hostname);
const { image } = await packRootImage(context, seedOf(request));
const kernel = await findKernel(context, request.kernelPackage);
const ingredients = ingredientsOf(context, request, { kernel, initramfs, rootImage: image });
await makeOutputs(context, request, ingredients, await makeRootFiles(context, request.arch));
await markPerturbed(context, request.arch);
await perturb(context, "root-file", hostname); // the same bit again
