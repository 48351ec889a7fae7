import { describe, expect, test } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { NO_REPLY } from "../../../src/ring/reply-ring.ts";
import { TestLink } from "./ring-arena.ts";

describe("ReplyProducer and ReplyConsumer", () => {
  test("pass slots in order, visible once published", () => {
    const link = new TestLink(512);
    const producer = link.replyProducer();
    const consumer = link.replyConsumer();
    for (let sequence = 0; sequence < 4; sequence++) {
      link.arena.words[(producer.slot(sequence) >>> 2) + 1] = 100 + sequence;
      producer.commit(sequence);
    }
    expect(consumer.peek()).toBe(NO_REPLY);
    expect(consumer.isReady()).toBe(false);
    expect(producer.publish()).toBe(true);
    expect(producer.publish()).toBe(false);
    expect(consumer.isReady()).toBe(true);
    for (let sequence = 0; sequence < 4; sequence++) {
      expect(link.arena.words[(consumer.peek() >>> 2) + 1]).toBe(100 + sequence);
      consumer.advance();
    }
    expect(consumer.peek()).toBe(NO_REPLY);
    expect(consumer.taken()).toBe(4);
  });

  test("stop the process when a reply is written out of order", () => {
    const producer = new TestLink(512).replyProducer();
    expect(() => producer.commit(1)).toThrow(AssertionError);
  });

  test("wrap through 2^32", () => {
    const link = new TestLink(512);
    link.startAt(0, -3);
    const producer = link.replyProducer();
    const consumer = link.replyConsumer();
    for (let i = 0; i < 16; i++) {
      producer.commit((-3 + i) | 0);
      producer.publish();
      expect(consumer.peek()).not.toBe(NO_REPLY);
      consumer.advance();
    }
    expect(consumer.taken()).toBe(13);
  });

  test("a successor of the producer counts the replies that are complete, published or not", () => {
    const link = new TestLink(512);
    const first = link.replyProducer();
    for (let sequence = 0; sequence < 3; sequence++) first.commit(sequence);
    first.publish();
    first.commit(3);
    link.arena.words[(first.slot(4) >>> 2) + 1] = 7; // begun, not complete
    const second = link.replyProducer();
    expect(second.answered()).toBe(4);
    expect(second.publish()).toBe(true);
    expect(second.publish()).toBe(false);
  });

  test("a successor of the consumer reads on where its predecessor stopped", () => {
    const link = new TestLink(512);
    const producer = link.replyProducer();
    for (let sequence = 0; sequence < 3; sequence++) producer.commit(sequence);
    producer.publish();
    const first = link.replyConsumer();
    first.peek();
    first.advance();
    expect(link.replyConsumer().taken()).toBe(1);
  });
});
