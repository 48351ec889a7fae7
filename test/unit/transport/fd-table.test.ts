/** What a worker holds and what it is sent, in memory that outlives it. */
import { describe, expect, test } from "vitest";
import { Libc } from "../../../src/libc/libc.ts";
import { EFD_NONBLOCK } from "../../../src/libc/linux.ts";
import { Dealer } from "../../../src/listen/dealer.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { FdMailbox, fdMailboxBytes } from "../../../src/transport/fd-mailbox.ts";
import { FdTable, fdTableBytes } from "../../../src/transport/fd-table.ts";
import { closeLeftovers } from "../../../src/transport/leftovers.ts";
import { NativeParts, planNative } from "../../../src/transport/native-plan.ts";
import { SlotPool } from "../../../src/transport/slot-pool.ts";
import { testControl } from "./harness.ts";

const EBADF = 9;

function arenaOf(bytes: number): Arena {
  return new Arena(new SharedArrayBuffer(bytes));
}

function partsOf(slotCount: number): NativeParts {
  const plan = planNative(slotCount);
  return new NativeParts(arenaOf(plan.bytes), 0, plan);
}

describe("FdTable", () => {
  test("fresh memory is an empty table", () => {
    const table = new FdTable(arenaOf(fdTableBytes(4)), 0, 4);
    expect(table.open()).toBe(0);
    expect([0, 1, 2, 3].map((slot) => table.fd(slot))).toEqual([-1, -1, -1, -1]);
    expect(table.loopFd()).toBe(-1);
  });

  test("another thread's view sees what was taken", () => {
    const arena = arenaOf(fdTableBytes(4));
    const table = new FdTable(arena, 0, 4);
    table.take(2, 0);
    table.take(3, 77);
    const other = new FdTable(new Arena(arena.buffer), 0, 4);
    expect(other.open()).toBe(2);
    expect(other.fd(2)).toBe(0);
    expect(other.slotOf(77)).toBe(3);
    expect(other.slotOf(78)).toBe(-1);
    expect(table.release(3)).toBe(77);
    expect(other.fd(3)).toBe(-1);
  });

  test("a slot is neither taken nor released twice, and lies in the table", () => {
    const table = new FdTable(arenaOf(fdTableBytes(4)), 0, 4);
    table.take(1, 9);
    expect(() => table.take(1, 10)).toThrow("taken once");
    table.release(1);
    expect(() => table.release(1)).toThrow("released once");
    expect(() => table.fd(4)).toThrow("a slot of this table");
    expect(() => table.take(2, -1)).toThrow("not negative");
  });

  test("refuses an arena too small for it", () => {
    expect(() => new FdTable(arenaOf(fdTableBytes(4)), 64, 4)).toThrow("lies in its arena");
  });
});

describe("FdTable's connections that go out", () => {
  test("have their descriptor, are told apart, and end with their slot", () => {
    const table = new FdTable(arenaOf(fdTableBytes(4)), 0, 4);
    table.take(0, 7);
    table.take(1, 8, true);
    expect([table.fd(0), table.fd(1)]).toEqual([7, 8]);
    expect([0, 1, 2].map((slot) => table.isOutgoing(slot))).toEqual([false, true, false]);
    expect(table.slotOf(8)).toBe(1);
    expect(table.release(1)).toBe(8);
    table.take(1, 9);
    expect(table.isOutgoing(1)).toBe(false);
  });
});

describe("FdTable's mappings", () => {
  test("keep 47-bit addresses until they are forgotten", () => {
    const table = new FdTable(arenaOf(fdTableBytes(1)), 0, 1);
    expect(table.loopMappingBytes(2)).toBe(0);
    for (const address of [4096, 0x7fff_ffff_f000, 0x7f12_8000_0000, 0xffff_f000]) {
      table.setLoopMapping(2, address, 1 << 20);
      expect(table.loopMappingAddress(2)).toBe(address);
      expect(table.loopMappingBytes(2)).toBe(1 << 20);
    }
    expect(table.fd(0)).toBe(-1);
    table.setLoopMapping(2, 0, 0);
    expect(table.loopMappingBytes(2)).toBe(0);
    expect(() => table.setLoopMapping(3, 0, 0)).toThrow("so many mappings");
  });
});

describe("FdMailbox", () => {
  test("hands descriptors over in order, and refuses when full", () => {
    const arena = arenaOf(fdMailboxBytes(4));
    const sender = new FdMailbox(arena, 0, 4);
    const receiver = new FdMailbox(arena, 0, 4);
    for (let round = 0; round < 5; round++) {
      for (let fd = 0; fd < 4; fd++) expect(sender.tryPost(fd, 100 + fd)).toBe(true);
      expect(sender.tryPost(4, 0)).toBe(false);
      for (let fd = 0; fd < 4; fd++) {
        expect(receiver.first()).toBe(fd);
        expect(receiver.firstListener()).toBe(100 + fd);
        receiver.take();
      }
      expect(receiver.first()).toBe(-1);
    }
    expect(() => receiver.take()).toThrow("only what was posted");
  });

  test("goes on over the end of its 32-bit counts", () => {
    const arena = arenaOf(fdMailboxBytes(4));
    arena.ints[0] = -1; // both indexes at 2^32 - 1
    arena.ints[16] = -1;
    const mailbox = new FdMailbox(arena, 0, 4);
    for (let fd = 10; fd < 14; fd++) expect(mailbox.tryPost(fd, fd)).toBe(true);
    expect(mailbox.tryPost(14, 14)).toBe(false);
    for (let fd = 10; fd < 14; fd++) {
      expect(mailbox.first()).toBe(fd);
      mailbox.take();
    }
    expect(mailbox.waiting()).toBe(0);
  });
});

describe("Dealer", () => {
  const rung: number[] = [];
  const bell = { ring: (worker: number) => void rung.push(worker) };

  test("deals to the least loaded, counting what waits, and rings its bell", () => {
    const workers = [partsOf(8), partsOf(8), partsOf(8)];
    workers[0]?.table.take(0, 50);
    workers[0]?.table.take(1, 51);
    workers[1]?.table.take(0, 52);
    const dealer = new Dealer(workers, bell);
    rung.length = 0;
    for (let fd = 0; fd < 6; fd++) expect(dealer.deal(fd, 0)).toBe(true);
    const loads = workers.map(({ table, mailbox }) => table.open() + mailbox.waiting());
    expect(loads).toEqual([3, 3, 3]);
    expect(rung.filter((worker) => worker === 2).length).toBe(3);
  });

  test("equal loads go round", () => {
    const workers = [partsOf(8), partsOf(8)];
    const dealer = new Dealer(workers, bell);
    rung.length = 0;
    for (let fd = 0; fd < 4; fd++) {
      dealer.deal(fd, 0);
      for (const { mailbox } of workers) if (mailbox.waiting() > 0) mailbox.take();
    }
    expect([...rung].sort()).toEqual([0, 0, 1, 1]);
  });

  test("passes over a worker that is down, and refuses when all are full", () => {
    const workers = [partsOf(2), partsOf(2)];
    const dealer = new Dealer(workers, bell);
    dealer.setDown(0, true);
    expect(dealer.deal(1, 0)).toBe(true);
    expect(dealer.deal(2, 0)).toBe(true);
    expect(workers[0]?.mailbox.waiting()).toBe(0);
    expect(dealer.deal(3, 0)).toBe(false);
    dealer.setDown(0, false);
    expect(dealer.deal(3, 0)).toBe(true);
  });
});

describe("SlotPool", () => {
  test("gives every slot once, low ones first", () => {
    const pool = new SlotPool(3);
    expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual([0, 1, 2, -1]);
    pool.give(1);
    expect(pool.take()).toBe(1);
  });

  test("slots to be closed come out in order, however often the list goes round", () => {
    const pool = new SlotPool(3);
    for (let round = 0; round < 5; round++) {
      pool.closeLater(2);
      pool.closeLater(0);
      expect([pool.nextClosing(), pool.nextClosing()]).toEqual([2, 0]);
    }
    expect(() => pool.nextClosing()).toThrow("somebody is to be closed");
  });
});

describe("closeLeftovers()", () => {
  const libc = Libc.load();
  const open = (): number => libc.files.eventfd(0, EFD_NONBLOCK);

  test("closes every descriptor of the dead, its loop too, and counts them off", () => {
    const { control } = testControl();
    const parts = partsOf(8);
    const fds = [open(), open(), open(), open()];
    parts.table.take(1, fds[0] as number);
    parts.table.take(5, fds[1] as number);
    parts.table.take(6, fds[3] as number, true); // goes out: it was not counted
    parts.table.setLoopFd(fds[2] as number);
    control.addOpenConnections(2);
    expect(closeLeftovers(libc, parts, control)).toBe(3);
    expect(fds.map((fd) => libc.files.close(fd))).toEqual([-EBADF, -EBADF, -EBADF, -EBADF]);
    expect(control.openConnections()).toBe(0);
    expect(parts.table.open()).toBe(0);
    expect(parts.table.loopFd()).toBe(-1);
  });

  test("what was still in the mailbox stays there for the successor", () => {
    const { control } = testControl();
    const parts = partsOf(8);
    const fd = open();
    parts.mailbox.tryPost(fd, 3);
    expect(closeLeftovers(libc, parts, control)).toBe(0);
    expect(parts.mailbox.first()).toBe(fd);
    expect(libc.files.close(fd)).toBe(0);
  });

  test("a descriptor both adopted and not yet taken is closed once, and not adopted", () => {
    const { control } = testControl();
    const parts = partsOf(8);
    const fd = open();
    parts.mailbox.tryPost(fd, 3);
    parts.table.take(0, fd);
    control.addOpenConnections(1);
    expect(closeLeftovers(libc, parts, control)).toBe(1);
    expect(parts.mailbox.first()).toBe(-1);
    expect(libc.files.close(fd)).toBe(-EBADF);
  });
});
