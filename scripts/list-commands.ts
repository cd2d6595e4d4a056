/** `node scripts/list-commands.ts FILE ...`: the blocks of shell commands in documents, as JSON. */
import { readFileSync } from "node:fs";
import { readCommands } from "./read-commands.ts";

const blocks = process.argv.slice(2).flatMap((path) => readCommands(readFileSync(path, "utf8")));
process.stdout.write(`${JSON.stringify(blocks)}\n`);
