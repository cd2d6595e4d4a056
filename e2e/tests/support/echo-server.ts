import { createServer } from "node:http";

/** An application: answers every request with the path and the headers it got, as JSON. Port and address are its arguments. */
const [port = "8080", address = "127.0.0.1"] = process.argv.slice(2);

const server = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ path: request.url, headers: request.headers }));
});
server.listen(Number(port), address, () => process.stdout.write("listening\n"));
