/**
 * HEALTHCHECK of the container: exit code 0 while the node serves. Asks /readyz of the admin HTTP
 * server, whose address it takes from SHARDCACHED_ADMIN_LISTEN, as the server does.
 */
import { get } from "node:http";

const TIMEOUT_MILLISECONDS = 2000;
const WILDCARDS = { "0.0.0.0": "127.0.0.1", "::": "::1" };
const address = process.env.SHARDCACHED_ADMIN_LISTEN ?? "127.0.0.1:11280";
const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(address);
if (match === null) {
  console.error(`SHARDCACHED_ADMIN_LISTEN is "${address}": without admin HTTP nothing can be asked`);
  process.exit(1);
}
const [, bound, port] = match;
const host = WILDCARDS[bound] ?? bound;

const request = get({ host, port, path: "/readyz", timeout: TIMEOUT_MILLISECONDS }, (answer) => {
  answer.resume();
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
});
request.on("timeout", () => request.destroy(new Error("no answer in time")));
request.on("error", ({ message }) => {
  console.error(message);
  process.exitCode = 1;
});
