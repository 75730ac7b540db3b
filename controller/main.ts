#!/usr/bin/env node
import { runProcess } from "./commands/process.ts";
import { COMMANDS } from "./commands/table.ts";

void runProcess(process.argv.slice(2), COMMANDS);
