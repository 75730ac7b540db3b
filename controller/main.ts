#!/usr/bin/env node
import { keepCompiled } from "./commands/compile-cache.ts";

keepCompiled(process.env);
const [{ runProcess }, { COMMANDS }] = await Promise.all([
  import("./commands/process.ts"),
  import("./commands/table.ts"),
]);
void runProcess(process.argv.slice(2), COMMANDS);
