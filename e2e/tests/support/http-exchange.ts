import { request } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** Makes one HTTP request from whatever network namespace it is started in: the request is its one argument, the answer its output. */
const QuestionSchema = z.object({ url: z.url(), headers: z.record(z.string(), z.string()).default({}) });

const question = QuestionSchema.parse(JSON.parse(process.argv[2] ?? ""));
const print = (answer: object): void => void process.stdout.write(JSON.stringify(answer));

const call = request(question.url, { headers: question.headers, timeout: 5_000, agent: false }, (response) => {
  text(response).then(
    (body) => print({ status: response.statusCode ?? 0, body }),
    (error: unknown) => print({ failure: String(error) }),
  );
});
call.on("timeout", () => call.destroy(new Error("no answer within 5 s")));
call.on("error", (error) => print({ failure: "code" in error ? String(error.code) : error.message }));
call.end();
