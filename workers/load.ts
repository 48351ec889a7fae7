/** Thread entry of the load generator: a task runs until its port says "quit". */
export { serveOrders as default } from "../bench/load/thread.ts";
