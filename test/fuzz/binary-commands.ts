/**
 * Random binary packets: valid ones, and ones whose lengths or parts are wrong.
 *
 * A packet may name a key whose CAS it carries (`casKey`): the number is another on each server.
 * Unknown opcodes are sent without a body: with one, memcached loses its place in the stream, which
 * is not reproduced.
 */
import {
  arithmeticExtras,
  Opcode,
  type PacketFields,
  packet,
  storeExtras,
  uint32,
} from "../support/binary-packets.ts";
import type { Random } from "./random.ts";

const HEADER_BYTES = 24;
const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"] as const;
const EXPTIMES = [0, 0, 0, 1000, 2592000, 2592001, 4102444800, 0xffffffff] as const;
/** Not 2^64 - 1: the same memcached takes it for a number one time, and not the next. */
const NUMBERS = [0n, 1n, 9n, 10n, 99n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 2n] as const;
const CLIENT_FLAGS = [0, 1, 77, 0xffffffff] as const;

const BODY_LENGTH_OFFSET = 8;
const FLAGS_AND_EXPTIME = storeExtras(0, 0);

export interface BinaryCommand {
  readonly fields: PacketFields;
  readonly casKey?: string;
}

/** The packet's bytes for a server on which items have these CAS numbers. */
export function binaryBytes(command: BinaryCommand, casOf: ReadonlyMap<string, string>): Buffer {
  const cas = command.casKey === undefined ? undefined : casOf.get(command.casKey);
  return packet({ ...command.fields, ...(cas !== undefined && { cas: BigInt(cas) }) });
}

/** A valid packet, most of the time; a malformed one, once in `wrongOnceIn`. */
export function binaryCommand(random: Random, wrongOnceIn: number): BinaryCommand {
  const command = validCommand(random);
  return random.once(wrongOnceIn) ? wrong(random, command) : command;
}

function validCommand(random: Random): BinaryCommand {
  const key = random.once(20) ? random.pick(["\0\r\n ", "k".repeat(250)]) : random.pick(KEYS);
  const opaque = random.uint32();
  const base = { key, opaque };
  const compared = random.once(4) ? (random.once(3) ? { cas: 5n } : {}) : undefined;
  const withCas = (fields: PacketFields): BinaryCommand => {
    if (compared === undefined) return { fields };
    return "cas" in compared ? { fields: { ...fields, ...compared } } : { fields, casKey: key };
  };
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2: {
      const { get, getQ, getK, getKQ } = Opcode;
      return { fields: { opcode: random.pick([get, getQ, getK, getKQ]), ...base } };
    }
    case 3:
    case 4:
    case 5: {
      const { set, setQ, add, addQ, replace, replaceQ } = Opcode;
      const opcode = random.pick([set, set, setQ, add, addQ, replace, replaceQ]);
      const extras = storeExtras(random.pick(CLIENT_FLAGS), random.pick(EXPTIMES));
      return withCas({ opcode, ...base, extras, value: anyValue(random) });
    }
    case 6: {
      const { append, appendQ, prepend, prependQ } = Opcode;
      const opcode = random.pick([append, appendQ, prepend, prependQ]);
      return withCas({ opcode, ...base, value: anyValue(random) });
    }
    case 7: {
      const { increment, incrementQ, decrement, decrementQ } = Opcode;
      const opcode = random.pick([increment, incrementQ, decrement, decrementQ]);
      const [delta, initial] = [random.pick(NUMBERS), random.pick(NUMBERS)];
      const extras = arithmeticExtras(delta, initial, random.pick(EXPTIMES));
      return withCas({ opcode, ...base, extras });
    }
    case 8:
      return withCas({ opcode: random.pick([Opcode.delete, Opcode.deleteQ]), ...base });
    case 9: {
      const { touch, gat, gatQ, gatK, gatKQ } = Opcode;
      const opcode = random.pick([touch, gat, gatQ, gatK, gatKQ]);
      return { fields: { opcode, ...base, extras: uint32(random.pick(EXPTIMES)) } };
    }
    case 10: {
      if (random.once(4))
        return { fields: { opcode: random.pick([0x1f, 0x30, 0x55, 0xff]), opaque } };
      return { fields: { opcode: random.pick([Opcode.noop, Opcode.version]), opaque } };
    }
    default:
      if (!random.once(5)) return { fields: { opcode: Opcode.get, ...base } };
      return { fields: { opcode: random.pick([Opcode.flush, Opcode.flushQ]), opaque } };
  }
}

function wrong(random: Random, { fields }: BinaryCommand): BinaryCommand {
  const { key, extras, value, ...rest } = fields;
  switch (random.below(7)) {
    case 0:
      return { fields: rest };
    case 1: // a delay would be right for Flush: delayed flushes are left out, see text-commands.ts
      return {
        fields: { ...fields, extras: isFlush(fields.opcode) ? FLAGS_AND_EXPTIME : uint32(7) },
      };
    case 2:
      return { fields: { ...fields, key: "k".repeat(251) } };
    case 3:
      return { fields: { ...fields, bodyBytes: random.below(3) } };
    case 4:
      return { fields: { ...rest, ...(key !== undefined && { key }), value: "surplus" } };
    case 5:
      return { fields: { ...fields, magic: random.pick([0x00, 0x81, 0x67]) } };
    default:
      return { fields: { ...fields, dataType: 7, vbucket: 0x1234 } };
  }
}

function isFlush(opcode: number): boolean {
  return opcode === Opcode.flush || opcode === Opcode.flushQ;
}

function anyValue(random: Random): string {
  switch (random.below(6)) {
    case 0:
      return "";
    case 1:
      return random.bytes(random.below(300));
    case 2:
      return "z".repeat(random.below(5000));
    default:
      return `${random.pick(NUMBERS)}`;
  }
}

/**
 * Reply packets as texts, in groups: a No-op whose opaque lies in [from, to) ends a group. CAS
 * numbers keep only whether they are 0; a version's text is left out. A number loses its padding,
 * and the packet its length: memcached pads what it counts down, but not while another reply holds
 * the item, which is a matter of timing.
 */
export function normalisePackets(replies: Buffer, from: number, to: number): readonly string[] {
  const groups: string[] = [];
  let group = "";
  let at = 0;
  while (replies.length - at >= HEADER_BYTES) {
    const bytes = HEADER_BYTES + replies.readUInt32BE(at + 8);
    if (replies.length - at < bytes) break;
    const reply = Buffer.from(replies.subarray(at, at + bytes));
    at += bytes;
    const [opcode, opaque] = [reply[1], reply.readUInt32BE(12)];
    if (opcode === Opcode.noop && opaque >= from && opaque < to) {
      groups.push(group);
      group = "";
      continue;
    }
    if (reply.readBigUInt64BE(16) !== 0n) reply.writeBigUInt64BE(1n, 16);
    group += opcode === Opcode.version ? "version" : withoutPadding(reply);
  }
  return [...groups, group + replies.toString("latin1", at)];
}

function withoutPadding(reply: Buffer): string {
  const text = reply.toString("latin1");
  const padded = /\d *$/.exec(text.slice(HEADER_BYTES));
  if (padded === null) return text;
  reply.writeUInt32BE(0, BODY_LENGTH_OFFSET);
  return reply.toString("latin1").replace(/ +$/, "");
}
