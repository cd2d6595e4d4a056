import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A shell in which somebody works: what one command sets, the next one has. */
export interface Terminal {
  /** Runs commands as they stand there. @returns what they said @throws Error with what they said, when one of them fails */
  run: (commands: string) => Promise<string>;
  close: () => Promise<void>;
}

const done = "the commands before this line have ended";

/** Variables of whoever runs these tests that somebody at a fresh terminal would not have. */
const ofTests =
  /^(NODE_ENV|VITEST.*|VITE_.*|TEST|MODE|DEV|PROD|SSR|BASE_URL|npm_.*|INIT_CWD|DATABASE_URL.*|REDIS_URL|PILOTHOUSE_(?!CACHE$).*)$/;

/** The environment of a fresh terminal. */
export const freshEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !ofTests.test(name)));

/** Opens a shell in a folder. */
export function openTerminal(folder: string, environment: NodeJS.ProcessEnv): Terminal {
  const shell = spawn("bash", ["-e", "-o", "pipefail"], {
    cwd: folder,
    env: freshEnvironment(environment),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  shell.stdin.on("error", () => undefined);
  const ended = once(shell, "close");
  return {
    async run(commands) {
      said = "";
      // From a file of its own, so that no command reads what comes behind it.
      shell.stdin.write(`source /dev/stdin <<'END OF COMMANDS'\n${commands}END OF COMMANDS\necho "${done}"\n`);
      const isOver = waitForLine(shell, () => said.includes(done));
      if (!(await Promise.race([isOver, ended.then(() => false)])))
        throw new Error(`These commands failed:\n${commands}\nThey said:\n${said}`);
      return said.slice(0, said.indexOf(done));
    },
    async close() {
      if (shell.exitCode === null && shell.signalCode === null) shell.stdin.end();
      await ended;
    },
  };
}

function waitForLine({ stdout }: ChildProcess, isThere: () => boolean): Promise<boolean> {
  return new Promise((settle) => {
    stdout?.on("data", () => {
      if (isThere()) settle(true);
    });
  });
}
