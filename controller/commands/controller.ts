import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { connectCluster, serveController } from "../cluster-wiring.ts";
import { clusterOpener } from "../cluster-work.ts";
import { PINNED_IMAGE } from "../domain/addresses.ts";
import { LISTEN_ADDRESS } from "../domain/listen-address.ts";
import { LABEL_NAME } from "../domain/names.ts";
import { BUILDER_ID } from "../domain/policy.ts";
import { CLUSTER_BUILDER } from "../domain/provenance.ts";
import { perturbationOf } from "../domain/perturbation.ts";
import { judgeText, type TextRule } from "../domain/text-rule.ts";
import type { CommandContext, RegisterCommand } from "./command.ts";

/** How the command reaches a cluster, and what it runs there. */
export type ControllerPlaces = {
  readonly connect: typeof connectCluster;
  readonly opener: typeof clusterOpener;
  readonly serve: typeof serveController;
};

type Options = {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly scratch?: string;
  readonly listen: string;
  readonly webhookListen?: string;
  readonly image: string;
  readonly builderId: string;
};

/** A value of an option that keeps a rule. */
const checked =
  (rule: TextRule) =>
  (value: string): string => {
    const fault = judgeText(rule, value);
    if (fault === undefined) return value;
    throw new InvalidArgumentError(`${fault.message}: ${fault.remedy}.`);
  };

/** Works in a folder that only this user may read: the one given, which stays, or one for this time. */
async function inScratch(
  given: string | undefined,
  cwd: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  if (given !== undefined) {
    const folder = resolve(cwd, given);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return work(folder);
  }
  const folder = await mkdtemp(join(tmpdir(), "imgrel-controller-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(context: CommandContext, options: Options, places: ControllerPlaces): Promise<void> {
  const { cwd, env, log, signal } = context;
  const { kubeconfig, listen, webhookListen, image: controllerImage, builderId } = options;
  const found = await places.connect(env, kubeconfig === undefined ? undefined : resolve(cwd, kubeconfig));
  const connection = { ...found, namespace: options.namespace ?? found.namespace };
  log.info("the controller starts", { server: connection.server, namespace: connection.namespace, controllerImage });
  await inScratch(options.scratch, cwd, (scratch) =>
    places.serve(
      {
        ...{ connection, log, scratch, listen, webhookListen },
        opener: places.opener({ controllerImage, builderId, scratch, perturbation: perturbationOf(env) }),
      },
      signal,
    ),
  );
}

/** Adds `imgrel controller`: docs/controller.md. */
export function addController(program: Command, context: CommandContext, places: ControllerPlaces): void {
  program
    .command("controller")
    .description(
      "Follow the sources of a namespace and bring their releases to their end, until SIGTERM or SIGINT: then what is " +
        "under way gets 20 seconds, the lease is given back, and the exit code is 0. Of several controllers one works " +
        "and the others wait. Its log is JSON lines on standard error. See docs/controller.md.",
    )
    .requiredOption(
      "--image <reference>",
      "imgrel's own image, <host>/<path>@sha256:<digest>: pods that fetch and publish run it",
      checked(PINNED_IMAGE),
    )
    .option("--kubeconfig <file>", "the cluster, by the file's current context (default: the one this pod runs in)")
    .option(
      "--namespace <name>",
      "where sources, classes and releases are (default: that of the service account, or of the context)",
      checked(LABEL_NAME),
    )
    .option(
      "--scratch <folder>",
      "for copies of repositories and private files, of this process alone (default: a new one, removed in the end)",
    )
    .option(
      "--listen <address>",
      "<host>:<port> or :<port> for /healthz, /readyz and /metrics, by http",
      checked(LISTEN_ADDRESS),
      ":8080",
    )
    .option(
      "--webhook-listen <address>",
      "<host>:<port> or :<port> for webhooks of forges, POST /hooks/<source>, by http (default: none are taken)",
      checked(LISTEN_ADDRESS),
    )
    .option(
      "--builder-id <uri>",
      "builder.id in the provenance of this deployment's runs; give each deployment its own",
      checked(BUILDER_ID),
      CLUSTER_BUILDER,
    )
    .action((options: Options) => run(context, options, places));
}

/** Adds `imgrel controller`. */
export const register: RegisterCommand = (program, context) =>
  addController(program, context, { connect: connectCluster, opener: clusterOpener, serve: serveController });
