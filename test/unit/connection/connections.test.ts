/** A thread's connections over a played router and socket: who is put aside, and how it goes on. */
import { beforeEach, describe, expect, test } from "vitest";
import type { ServerSeconds } from "../../../src/base/unit.ts";
import { Op } from "../../../src/command/op.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Status } from "../../../src/command/status.ts";
import { BusyPoll } from "../../../src/connection/busy-poll.ts";
import { Connections } from "../../../src/connection/connections.ts";
import { Executor } from "../../../src/connection/executor.ts";
import { Fetch } from "../../../src/connection/operation/fetch.ts";
import { Read } from "../../../src/connection/operation/read.ts";
import { Write } from "../../../src/connection/operation/write.ts";
import { Step } from "../../../src/connection/step.ts";
import { UploadQueue } from "../../../src/connection/upload-queue.ts";
import { Arena } from "../../../src/memory/arena.ts";
import {
  ConnectionState,
  ConnectionTable,
  connectionTableBytes,
} from "../../../src/memory/connection-table.ts";
import { Outcome } from "../../../src/router/outcome.ts";
import { OPTIONS } from "../../support/spoken.ts";
import { Desk, hit, status } from "./desk.ts";

const SLOT = 0;
const GAT = "gat 30 apple\r\n";
const MN = "mn\r\n";

/** Nobody looks at -vv. */
const NOTHING_SHOWN = {
  opened: () => {},
  closed: () => {},
  serves: () => {},
  became: () => {},
  reads: () => true,
};

let desk: Desk;
let connections: Connections;
let table: ConnectionTable;
/** What `poll` hands over, once. */
let replies: [number, (reply: Reply) => void][];
let reasons: string[];

const state = () => table.state(SLOT);

function receive(text: string): void {
  connections.received(SLOT, desk.arena.bytes, 0, desk.receive(text));
}

/** A turn: replies, and those who can go on. */
function turn(): void {
  connections.takeReplies();
  connections.goOn();
}

beforeEach(() => {
  desk = new Desk();
  replies = [];
  reasons = [];
  const arena = new Arena(new SharedArrayBuffer(connectionTableBytes(4)));
  table = new ConnectionTable(arena, 0, 4);
  const never = { begin: () => Step.done };
  const { router, waits, pendings, output, input, lookers } = desk;
  const node = {
    run: () => {
      desk.replies.writeError(desk.parse(MN), 1);
      return Step.done;
    },
  };
  connections = new Connections({
    ...lookers,
    transport: desk.transport,
    router: Object.assign(router, {
      poll: (handler: Connections) => {
        const came = replies.splice(0);
        for (const [pending, fill] of came) {
          const reply = new Reply(desk.arena.bytes);
          fill(reply);
          handler.replied(pending, reply);
        }
        return came.length;
      },
    }) as never,
    wires: [OPTIONS],
    parser: desk.parser,
    batches: { serve: () => 0, served: 0 } as never,
    executor: new Executor({
      router,
      read: new Read(desk.tools, never),
      write: new Write(desk.tools),
      fetch: new Fetch(desk.tools, never, never, 1000),
      upload: { run: () => Step.done },
      node,
    }),
    waits,
    budget: desk.budget,
    verbose: NOTHING_SHOWN as never,
    uploads: new UploadQueue([], desk.clock),
    pendings: desk.table,
    pendingList: pendings,
    input,
    output,
    replies: desk.replies,
    clock: desk.clock,
    observer: { ...lookers.observer, replied: () => {} } as never,
    busyPoll: new BusyPoll(0, desk.counters, () => 0),
    events: {
      isWatched: () => true,
      opened: () => {},
      outcome: () => {},
      closed: (_peer: string, reason: string) => reasons.push(reason),
    } as never,
    table,
    requestsPerEvent: 4,
    idleSeconds: 10,
  });
  connections.opened(SLOT, 0);
});

describe("Connections", () => {
  test("a request that waits goes on where it stood: it is not sent twice, and what follows comes after", () => {
    desk.router.says(Outcome.sent).says(Outcome.hit, hit("red")).says(Outcome.hit, hit("blue"));
    receive(`${GAT}get pear\r\n`);
    expect(state()).toBe(ConnectionState.awaiting);
    expect(desk.transport.sent).toBe("");
    receive("get pl"); // its input moves, and grows
    expect(state()).toBe(ConnectionState.awaiting);
    replies.push([0, hit("???")]);
    turn();
    expect(desk.transport.sent).toBe(
      "VALUE apple 0 3\r\nred\r\nEND\r\nVALUE pear 0 4\r\nblue\r\nEND\r\n",
    );
    expect(desk.router.asked).toEqual([`mutate ${Op.fetch}`, "readFetched", "read"]);
    expect(state()).toBe(ConnectionState.reading);
  });

  test("refused by a full ring: again when anything has moved, with the same request", () => {
    desk.router.says(Outcome.full).says(Outcome.done, status(Status.stored));
    receive("set apple 0 0 3\r\nred\r\n");
    expect(state()).toBe(ConnectionState.refused);
    connections.goOn();
    expect(desk.router.left).toBe(1); // nothing has moved
    desk.transport.sent = "";
    const stranger = desk.connection();
    replies.push([desk.table.take(stranger.slot + 40, 1, 0), status(Status.stored)]);
    turn();
    expect(desk.transport.sent).toBe("STORED\r\n");
    expect(state()).toBe(ConnectionState.reading);
  });

  test("behind its own write: until that is answered", () => {
    desk.router.says(Outcome.sent).says(Outcome.busy).says(Outcome.hit, hit("red"));
    receive("set apple 0 0 3\r\nred\r\nget apple\r\n");
    expect(state()).toBe(ConnectionState.behind);
    replies.push([0, status(Status.stored)]);
    turn();
    expect(desk.transport.sent).toBe("STORED\r\nVALUE apple 0 3\r\nred\r\nEND\r\n");
  });

  test("a socket that takes only part: nothing is served until it has drained", () => {
    desk.router.says(Outcome.hit, hit("red")).says(Outcome.hit, hit("blue"));
    desk.transport.room = 5;
    receive("get apple\r\n");
    expect(state()).toBe(ConnectionState.draining);
    receive("get pear\r\n");
    expect(desk.router.left).toBe(1);
    desk.transport.room = Number.POSITIVE_INFINITY;
    connections.writable(SLOT);
    turn();
    expect(desk.transport.sent).toContain("red\r\nEND\r\nVALUE pear 0 4\r\nblue");
    expect(state()).toBe(ConnectionState.reading);
  });

  test("-R requests, then the others' turn", () => {
    for (let index = 0; index < 6; index++) desk.router.says(Outcome.miss);
    receive("get a\r\n".repeat(6));
    expect(state()).toBe(ConnectionState.ready);
    expect([desk.router.left, connections.hasReady()]).toEqual([2, true]);
    turn();
    expect(desk.router.left).toBe(0);
    expect(state()).toBe(ConnectionState.reading);
  });

  test("half a value is one under way; half a command is not", () => {
    receive("set apple 0 0 10\r\nhel");
    expect(state()).toBe(ConnectionState.receiving);
    desk.clock.now = (desk.clock.now + 60) as ServerSeconds;
    connections.second();
    expect(connections.openCount()).toBe(1);
    desk.router.says(Outcome.done, status(Status.stored));
    receive("lo worl\r\nget ap");
    expect(state()).toBe(ConnectionState.reading);
    desk.clock.now = (desk.clock.now + 11) as ServerSeconds;
    connections.second();
    expect(connections.openCount()).toBe(0);
    expect(reasons).toEqual(["idle_timeout"]);
  });

  test("who waits for a reply is not idle, and what it asked before it ended is answered", () => {
    desk.router.says(Outcome.sent).says(Outcome.hit, hit("red"));
    receive(GAT);
    desk.clock.now = (desk.clock.now + 60) as ServerSeconds;
    connections.second();
    connections.ended(SLOT);
    expect(connections.openCount()).toBe(1);
    replies.push([0, hit("???")]);
    turn();
    expect(desk.transport.sent).toContain("red");
    expect(desk.transport.calls).toEqual(["close 0"]);
    expect(reasons).toEqual(["normal"]);
  });

  test("the node stops: who waits for a command is closed, who waits for a reply first gets it", () => {
    desk.router.says(Outcome.sent).says(Outcome.hit, hit("red"));
    receive(GAT);
    connections.opened(1, 0);
    connections.drain();
    expect(desk.transport.calls).toEqual(["close 1"]);
    replies.push([0, hit("???")]);
    turn();
    expect(desk.transport.sent).toContain("red");
    expect(desk.transport.calls).toEqual(["close 1", "close 0"]);
    expect(reasons).toEqual(["shutdown", "shutdown"]);
  });

  test("a connection that is gone before its reply comes: the reply only frees its entry", () => {
    const first = desk.table.peek();
    desk.router.says(Outcome.sent);
    desk.transport.isGone = true;
    receive(`set apple 0 0 3 noreply\r\nred\r\n${MN}`);
    expect(connections.openCount()).toBe(0);
    expect(reasons).toEqual(["error"]);
    expect(desk.table.peek()).not.toBe(first);
    replies.push([first, status(Status.stored)]);
    turn();
    expect(desk.table.peek()).toBe(first);
  });

  test("why it closes is what was found first: its end, which follows, changes nothing", () => {
    desk.transport.room = 0;
    receive("x".repeat(3000)); // no command is so long
    connections.ended(SLOT);
    connections.drain();
    expect(reasons).toEqual(["error"]);
    desk.router.says(Outcome.hit, hit("red"));
    connections.opened(1, 0);
    desk.arena.bytes.set(Buffer.from(`get apple\r\n${"x".repeat(3000)}`), 0);
    connections.received(1, desk.arena.bytes, 0, 3011);
    expect(table.state(1)).toBe(ConnectionState.closing);
    connections.ended(1);
    desk.transport.room = Number.POSITIVE_INFINITY;
    connections.writable(1);
    expect(reasons).toEqual(["error", "error"]);
  });

  test("too much input while it stands still: it is not read until it goes on", () => {
    desk.router.says(Outcome.sent).says(Outcome.hit, hit("red"));
    receive(GAT);
    for (let piece = 0; piece < 3; piece++) receive("x".repeat(30_000));
    expect(desk.transport.calls).toEqual(["pause 0"]);
  });
});
