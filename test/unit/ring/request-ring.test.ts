import { describe, expect, test } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { NO_RECORD, RECORD_HEADER_BYTES } from "../../../src/ring/request-ring.ts";
import { TestLink } from "./ring-arena.ts";

/** Writes a record whose payload is `mark`; false when refused. */
function push(link: TestLink, producer: ReturnType<TestLink["requestProducer"]>, bytes: number) {
  const at = producer.reserve(bytes);
  if (at === NO_RECORD) return false;
  link.arena.bytes.fill(bytes & 0xff, at + RECORD_HEADER_BYTES, at + bytes);
  producer.commit(bytes);
  return true;
}

describe("RequestProducer.reserve()", () => {
  test("refuses when the ring is full, and takes again once bytes are given back", () => {
    const link = new TestLink(512);
    const producer = link.requestProducer();
    const consumer = link.requestConsumer();
    let pushed = 0;
    while (push(link, producer, 64)) pushed++;
    expect(pushed).toBe(8);
    producer.publish();
    expect(producer.hasMoved()).toBe(false);
    consumer.peek();
    consumer.advance();
    expect(push(link, producer, 64)).toBe(false);
    expect(consumer.release()).toBe(true);
    expect(producer.hasMoved()).toBe(true);
    expect(push(link, producer, 64)).toBe(true);
  });

  test("puts a record that does not fit before the end at the beginning, behind a pad", () => {
    const link = new TestLink(512);
    const producer = link.requestProducer();
    const consumer = link.requestConsumer();
    expect(push(link, producer, 400)).toBe(true);
    producer.publish();
    const first = consumer.peek();
    consumer.advance();
    consumer.release();
    expect(push(link, producer, 200)).toBe(true);
    producer.publish();
    expect(consumer.peek()).toBe(first);
    expect(link.arena.words[consumer.peek() >>> 2]).toBe(200);
  });

  test("passes a record as large as the ring from any position: its pad goes first, alone", () => {
    for (let offset = 8; offset <= 512; offset += 8) {
      const link = new TestLink(512);
      const producer = link.requestProducer();
      const consumer = link.requestConsumer();
      expect(push(link, producer, offset)).toBe(true);
      producer.publish();
      consumer.peek();
      consumer.advance();
      consumer.release();
      if (offset < 512) {
        expect(push(link, producer, 512)).toBe(false);
        expect(producer.publish()).toBe(true);
        expect(consumer.isReady()).toBe(true);
        expect(consumer.peek()).toBe(NO_RECORD);
        expect(consumer.release()).toBe(true);
        expect(producer.hasMoved()).toBe(true);
      }
      expect(push(link, producer, 512)).toBe(true);
      producer.publish();
      expect(consumer.sequence(consumer.peek())).toBe(1);
    }
  });

  test("shows nothing before publish", () => {
    const link = new TestLink(512);
    const producer = link.requestProducer();
    const consumer = link.requestConsumer();
    push(link, producer, 64);
    expect(consumer.peek()).toBe(NO_RECORD);
    expect(consumer.isReady()).toBe(false);
    expect(producer.publish()).toBe(true);
    expect(producer.publish()).toBe(false);
    expect(consumer.peek()).not.toBe(NO_RECORD);
  });

  test("stops the process for a record larger than the ring, or not aligned", () => {
    const producer = new TestLink(512).requestProducer();
    expect(() => producer.reserve(520)).toThrow(AssertionError);
    expect(() => producer.reserve(63)).toThrow(AssertionError);
    expect(() => producer.reserve(0)).toThrow(AssertionError);
  });
});

describe("indexes and sequences", () => {
  test("wrap through 2^32 without a hitch", () => {
    const link = new TestLink(512);
    link.startAt(-1024, -8);
    const producer = link.requestProducer();
    const consumer = link.requestConsumer();
    for (let i = 0; i < 64; i++) {
      expect(push(link, producer, 8 * (1 + (i % 20)))).toBe(true);
      producer.publish();
      const at = consumer.peek();
      expect(consumer.sequence(at)).toBe((-8 + i) | 0);
      expect(link.arena.words[at >>> 2]).toBe(8 * (1 + (i % 20)));
      consumer.begin();
      expect(consumer.isInFlight()).toBe(true);
      consumer.advance();
      expect(consumer.isInFlight()).toBe(false);
      consumer.release();
    }
  });
});

describe("a successor", () => {
  test("of the consumer goes on at the record that was not finished", () => {
    const link = new TestLink(512);
    const producer = link.requestProducer();
    const first = link.requestConsumer();
    for (let i = 0; i < 3; i++) push(link, producer, 64);
    producer.publish();
    first.peek();
    first.begin();
    first.advance();
    first.peek();
    const second = link.requestConsumer();
    expect(second.sequence(second.peek())).toBe(1);
    expect(second.isInFlight()).toBe(false);
    first.begin();
    const third = link.requestConsumer();
    expect(third.isInFlight()).toBe(true);
    third.advance();
    expect(third.sequence(third.peek())).toBe(2);
    expect(third.isInFlight()).toBe(false);
  });

  test("of the producer goes on with the next sequence, and forgets what was not published", () => {
    const link = new TestLink(512);
    const first = link.requestProducer();
    for (let i = 0; i < 3; i++) push(link, first, 64);
    first.publish();
    push(link, first, 64);
    const second = link.requestProducer();
    expect(second.sequence()).toBe(3);
    push(link, second, 128);
    second.publish();
    const consumer = link.requestConsumer();
    for (let i = 0; i < 3; i++) {
      consumer.peek();
      consumer.advance();
    }
    expect(link.arena.words[consumer.peek() >>> 2]).toBe(128);
  });
});
