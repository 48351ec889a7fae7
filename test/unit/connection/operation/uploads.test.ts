/** A large value's way: its room, its bytes, its end; and the values of refused requests. */
import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../../src/command/op.ts";
import { Mark, type Request } from "../../../../src/command/request.ts";
import { Status, WireError } from "../../../../src/command/status.ts";
import type { Connection } from "../../../../src/connection/connection.ts";
import { UploadBegin } from "../../../../src/connection/operation/upload-begin.ts";
import { UploadBody } from "../../../../src/connection/operation/upload-body.ts";
import { UploadEnd } from "../../../../src/connection/operation/upload-end.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Outcome } from "../../../../src/router/outcome.ts";
import { Desk, status } from "../desk.ts";

const VALUE_BYTES = 100_000;
const SET = `set apple 0 0 ${VALUE_BYTES}\r\n`;
const TICKET = 3;

let desk: Desk;
let connection: Connection;
let request: Request;

beforeEach(() => {
  desk = new Desk();
  connection = desk.connection();
  request = desk.parse(SET, connection);
});

describe("UploadBegin", () => {
  let queue: { places: number; may: boolean };
  let upload: UploadBegin;

  beforeEach(() => {
    queue = { places: 1, may: true };
    upload = new UploadBegin(
      desk.tools,
      { hasPlace: () => queue.places > 0, mayWait: () => queue.may } as never,
      { begin: (_connection, _request, ticket) => (ticket === TICKET ? Step.follows : Step.quits) },
      desk.swallow,
    );
  });

  const granted = status(Status.ok, { handle: TICKET });
  const noRoom = status(Status.noRoomYet);
  const asked = (mayWait: boolean) =>
    `uploadBegin ${mayWait ? request.marks | Mark.mayWait : request.marks & ~Mark.mayWait}`;

  test("asks its owner, waits, and goes on with the value when there is room", () => {
    desk.router.says(Outcome.sent);
    expect(desk.run(upload, connection, request)).toBe(Step.awaits);
    expect(connection.wait?.operation === upload).toBe(true);
    expect(desk.run(upload, connection, request, granted)).toBe(Step.follows);
    expect(desk.looked).toEqual([Op.store]);
  });

  test("no room yet: waits in the crowd, and asks again", () => {
    desk.router.says(Outcome.sent).says(Outcome.done, noRoom).says(Outcome.done, granted);
    desk.run(upload, connection, request);
    expect(desk.run(upload, connection, request, noRoom)).toBe(Step.crowded);
    expect(desk.run(upload, connection, request)).toBe(Step.crowded);
    expect(desk.run(upload, connection, request)).toBe(Step.follows);
  });

  test("the last try says that it is: the mark is taken off again", () => {
    desk.router.says(Outcome.done, noRoom).says(Outcome.done, status(Status.outOfMemory));
    expect(desk.run(upload, connection, request)).toBe(Step.crowded);
    queue.may = false;
    expect(desk.run(upload, connection, request)).toBe(Step.follows);
    expect(desk.router.asked).toEqual([asked(true), asked(false)]);
    expect(connection.wait?.operation === desk.swallow).toBe(true);
  });

  test("no place in the crowd: asks at once for the last time", () => {
    queue.places = 0;
    queue.may = false;
    desk.router.says(Outcome.done, status(Status.outOfMemory));
    expect(desk.run(upload, connection, request, noRoom)).toBe(Step.follows);
    expect(connection.wait?.bodyBytes).toBe(VALUE_BYTES + 2);
    expect(connection.wait?.error).toBe(WireError.outOfMemoryStoring);
  });

  for (const [of, error] of [
    [Status.tooLarge, WireError.tooLarge],
    [Status.ownerLost, WireError.ownerLost],
  ] as const) {
    test(`refused with ${of}: the value is thrown away, then error ${error} answered`, () => {
      expect(desk.run(upload, connection, request, status(of))).toBe(Step.follows);
      expect(connection.wait?.error).toBe(error);
      expect(connection.wait?.operation === desk.swallow).toBe(true);
    });
  }

  test("a full ring: asked again", () => {
    desk.router.says(Outcome.full);
    expect(desk.run(upload, connection, request)).toBe(Step.refused);
    expect(connection.wait?.operation === upload).toBe(true);
  });
});

describe("UploadBody", () => {
  let ends: number;
  let body: UploadBody;

  beforeEach(() => {
    ends = 0;
    const end = {
      begin: () => {
        ends++;
        return Step.awaits;
      },
    };
    body = new UploadBody(desk.tools, end);
    expect(body.begin(connection, request, TICKET)).toBe(Step.follows);
  });

  function come(text: string): Step {
    const end = desk.receive(text);
    desk.input.open(0, end);
    return desk.run(body, connection, request);
  }

  const whole = "v".repeat(30_000);

  test("hands the value on in whatever pieces, its line end too, then ends it", () => {
    desk.router.says(VALUE_BYTES).says(VALUE_BYTES).says(VALUE_BYTES).says(VALUE_BYTES);
    for (let piece = 0; piece < 3; piece++) expect(come(whole)).toBe(Step.value);
    expect(come("v".repeat(10_000))).toBe(Step.value);
    expect(come("\r")).toBe(Step.value);
    expect(desk.input.at).toBe(0);
    expect(come("\r\nget pear\r\n")).toBe(Step.awaits);
    expect([ends, desk.input.at]).toEqual([1, 2]);
    expect(connection.wait?.bodyBytes).toBe(0);
  });

  test("a full ring takes part: the rest stays in the input", () => {
    desk.router.says(1000).says(VALUE_BYTES);
    expect(come(whole)).toBe(Step.refused);
    expect(desk.input.at).toBe(1000);
    expect(desk.run(body, connection, request)).toBe(Step.value);
    expect(connection.wait?.bodyBytes).toBe(VALUE_BYTES - 30_000);
  });

  test("another end than a line's: let go, and answered, when there is room", () => {
    Object.assign(connection.wait ?? {}, { bodyBytes: 0 });
    const narrow = desk.connection();
    narrow.wait = connection.wait;
    desk.fill(narrow);
    desk.input.open(0, desk.receive("xx"));
    expect(desk.run(body, narrow, request)).toBe(Step.noRoom);
    expect(desk.router.letGone).toEqual([]);
    expect(come("xx")).toBe(Step.done);
    expect(desk.written()).toBe("CLIENT_ERROR bad data chunk\r\n");
    expect(desk.router.letGone).toEqual([TICKET]);
    expect(ends).toBe(0);
  });
});

describe("UploadEnd", () => {
  let end: UploadEnd;

  function begin(): Step {
    const wait = desk.waits.of(connection);
    wait.save(request, desk.encoder);
    wait.upload = TICKET;
    wait.request = request;
    desk.output.open(connection);
    return end.begin(connection, request, wait);
  }

  beforeEach(() => {
    end = new UploadEnd(desk.tools);
  });

  test("commits, waits, and answers", () => {
    desk.router.says(Outcome.sent);
    expect(begin()).toBe(Step.awaits);
    expect(connection.wait?.operation === end).toBe(true);
    expect(desk.run(end, connection, request, status(Status.stored))).toBe(Step.done);
    expect(desk.written()).toBe("STORED\r\n");
    expect(desk.router.asked).toEqual([`uploadEnd ${TICKET}`]);
  });

  test("what a meta reply repeats outlives its line", () => {
    request = desk.parse(`ms apple ${VALUE_BYTES} k O77\r\n`, connection);
    desk.router.says(Outcome.sent);
    begin();
    desk.receive("?".repeat(200));
    expect(desk.run(end, connection, request, status(Status.stored))).toBe(Step.done);
    expect(desk.written()).toBe("HD kapple O77\r\n");
  });

  test("a full ring, or no room: later, and once", () => {
    desk.router.says(Outcome.full).says(Outcome.done, status(Status.outOfMemory));
    expect(begin()).toBe(Step.refused);
    const wait = connection.wait;
    const narrow = desk.connection();
    narrow.wait = wait;
    desk.fill(narrow);
    expect(desk.run(end, narrow, request)).toBe(Step.noRoom);
    expect(desk.run(end, connection, request)).toBe(Step.done);
    expect(desk.written()).toBe("SERVER_ERROR out of memory storing object\r\n");
  });
});

describe("Swallow", () => {
  function come(bytes: number): Step {
    desk.input.open(0, bytes);
    desk.output.open(connection);
    return desk.swallow.run(connection, request);
  }

  test("throws away so many bytes, then answers, and takes none that follow", () => {
    expect(desk.swallow.begin(connection, 100, WireError.tooLarge)).toBe(Step.follows);
    expect(come(60)).toBe(Step.swallows);
    expect(come(60)).toBe(Step.done);
    expect(desk.input.at).toBe(40);
    expect(desk.written()).toBe("SERVER_ERROR object too large for cache\r\n");
  });

  test("without room the error waits, and is answered once", () => {
    const narrow = desk.connection();
    desk.fill(narrow);
    desk.swallow.begin(narrow, 10, WireError.tooLarge);
    desk.input.open(0, 10);
    desk.output.open(narrow);
    expect(desk.swallow.run(narrow, request)).toBe(Step.noRoom);
    connection.wait = narrow.wait;
    expect(come(0)).toBe(Step.done);
    expect(desk.written()).toContain("too large");
  });
});
