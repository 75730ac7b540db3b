#!/usr/bin/env node
import { COMMANDS } from "./commands/table.ts";
import { runProcess } from "./process.ts";

void runProcess(process.argv.slice(2), COMMANDS);
