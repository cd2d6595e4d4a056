import { resolve, join } from "node:path";
import { parseArgs } from "node:util";
import { openPlaces, root } from "./places.ts";
import { showStatus } from "./show-status.ts";
import { takeDown } from "./take-down.ts";
import { endOtherUp, runUp, takeTurn, type UpRequest } from "./up.ts";

const usage = `Usage:
  npm run up [-- OPTIONS]     bring everything up, and stay; Ctrl-C ends it
    --detach                  end when the demo's control plane is Ready, and leave everything running
    --no-fleet                without clusters of its own; PILOTHOUSE_PROVIDER names the provider's settings
    --port NUMBER             where the portal listens, on the loopback (the first free one from 3000 on, and ever after the same)
    --topology FILE           another fleet than the default one
  npm run status              what runs, how far it is, and where to look
  npm run down [-- --erase]   end everything; data stays, unless it is to be erased

PILOTHOUSE_HOME (default .pilothouse) holds data, credentials and logs, PILOTHOUSE_CACHE (default ~/.cache/pilothouse) programs and images.`;

/** How long another \`up\` or \`down\` may take to end, in milliseconds. */
const turnPatienceMs = 120_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`--port ${text} is no port: a number from 1 to 65535.`);
}

async function run(parameters: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const { values, positionals } = parseArgs({
    args: parameters,
    allowPositionals: true,
    options: {
      detach: { type: "boolean", default: false },
      "no-fleet": { type: "boolean", default: false },
      port: { type: "string" },
      topology: { type: "string" },
      erase: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined || rest.length > 0) {
    print(usage);
    return values.help ? 0 : 1;
  }
  const places = await openPlaces(resolve(environment["PILOTHOUSE_HOME"] ?? join(root, ".pilothouse")));
  const provider = environment["PILOTHOUSE_PROVIDER"];
  switch (command) {
    case "up": {
      const topology = values.topology === undefined ? {} : { topology: resolve(values.topology) };
      const request: UpRequest = {
        detach: values.detach,
        port: readPort(values.port),
        fleet: values["no-fleet"] ? undefined : topology,
        provider: values["no-fleet"] && provider !== undefined ? resolve(provider) : undefined,
      };
      return runUp(places, request, { environment, print });
    }
    case "down":
      await endOtherUp(places);
      await takeTurn(places, turnPatienceMs);
      await takeDown(places, { erase: values.erase, environment, report: print });
      return 0;
    case "status":
      return showStatus(places, { environment, print });
    default:
      throw new Error(`There is no command ${command}.\n\n${usage}`);
  }
}

// Whoever read along may go away, as `head` does: that is no reason to leave anything half done.
process.stdout.on("error", () => undefined);
try {
  process.exitCode = await run(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`pilothouse: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
