import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

const runFile = promisify(execFile);

/** What came back: an answer, or why there was none. */
const AnswerSchema = z.union([z.object({ status: z.int(), body: z.string() }), z.object({ failure: z.string() })]);

/** Sends an HTTP GET request from inside the network namespace of a process. */
async function sendRequest(
  pid: number,
  url: string,
  headers: Record<string, string> = {},
): Promise<z.infer<typeof AnswerSchema>> {
  const program = join(import.meta.dirname, "http-exchange.ts");
  const { stdout } = await runFile(
    "nsenter",
    ["--target", String(pid), "--net", "--", process.execPath, program, JSON.stringify({ url, headers })],
    {
      maxBuffer: 64 * 1024 * 1024,
      timeout: 20_000,
    },
  );
  return AnswerSchema.parse(JSON.parse(stdout));
}

/** The body of a successful answer. */
export async function fetchInside(pid: number, url: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await sendRequest(pid, url, headers);
  if ("failure" in answer) throw new Error(`${url}: ${answer.failure}`);
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${answer.body}`);
  return answer.body;
}
