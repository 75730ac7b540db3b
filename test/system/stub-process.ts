import { json } from "node:stream/consumers";
import { demoBuildJob } from "../fakes/cluster-release.ts";
import { RunnerPlan, stubRunner } from "./stub-runner.ts";

// A process that builds run 1 of the plan in its standard input, until it is killed.
const { signal } = new AbortController();
const { runner } = await stubRunner(RunnerPlan.parse(await json(process.stdin)), signal);
await runner.build(demoBuildJob(), signal);
