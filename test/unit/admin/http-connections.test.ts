import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { Guard } from "../../../src/admin/guard.ts";
import { HttpConnections } from "../../../src/admin/http-connections.ts";

const MAX = 64;

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

class Fixture {
  readonly server = new EventEmitter();
  readonly connections = new HttpConnections(new Guard(() => {}), MAX);

  constructor() {
    this.connections.watch(this.server as never);
  }

  connect(address: string): FakeSocket {
    const socket = new FakeSocket(address);
    this.server.emit("connection", socket);
    return socket;
  }

  /** Begins a request; its end is what is returned. */
  ask(socket: FakeSocket): () => void {
    const response = new EventEmitter();
    this.server.emit("request", { socket }, response);
    return () => void response.emit("close");
  }
}

describe("HttpConnections", () => {
  test("one address has a quarter: its longest silent connection makes room for its next", () => {
    const fixture = new Fixture();
    const sockets = Array.from({ length: MAX / 4 }, () => fixture.connect("10.0.0.1"));
    expect(sockets.some(({ destroyed }) => destroyed)).toBe(false);
    fixture.ask(sockets[0] as FakeSocket)(); // was heard of last
    fixture.ask(sockets[1] as FakeSocket); // is being answered
    fixture.connect("10.0.0.1");
    expect(sockets.map(({ destroyed }) => destroyed).indexOf(true)).toBe(2);
    expect(fixture.connections.count).toBe(MAX / 4);
  });

  test("when it is full, whoever has the most gives way; a newcomer is always let in", () => {
    const fixture = new Fixture();
    const greedy = Array.from({ length: MAX / 4 }, () => fixture.connect("10.0.0.1"));
    const others = Array.from({ length: (MAX * 3) / 4 }, (_, at) =>
      fixture.connect(`10.1.0.${at >> 2}`),
    );
    expect(fixture.connections.count).toBe(MAX);
    const probe = fixture.connect("10.9.9.9");
    expect(probe.destroyed).toBe(false);
    expect(greedy[0]?.destroyed).toBe(true);
    expect(others.some(({ destroyed }) => destroyed)).toBe(false);
    expect(fixture.connections.count).toBe(MAX);
  });

  test("where all are being answered the oldest gives way", () => {
    const fixture = new Fixture();
    const sockets = Array.from({ length: MAX / 4 }, () => fixture.connect("::1"));
    for (const socket of sockets) fixture.ask(socket);
    fixture.connect("::1");
    expect(sockets.map(({ destroyed }) => destroyed).indexOf(true)).toBe(0);
  });

  test("who leaves is forgotten", () => {
    const fixture = new Fixture();
    for (let each = 0; each < 1000; each++) fixture.connect(`10.0.${each % 7}.1`).destroy();
    expect(fixture.connections.count).toBe(0);
    const ended = fixture.ask(fixture.connect("10.0.0.1"));
    ended();
    expect(fixture.connections.count).toBe(1);
  });
});
