/**
 * CLibrary: the C library by FFI, and how one of its calls gets a face. Only this folder knows
 * koffi.
 *
 *   "int64_t recv(int fd, intptr_t to, size_t bytes, int flags)"
 *        └─▶ (fd: number, to: Address, bytes: number, flags: number) => number
 *
 * A call is declared once, by its C prototype (socket-calls.ts and its neighbours): from that text
 * come its name, how koffi passes its arguments, and what TypeScript lets a caller give.
 *
 * Every call answers as the kernel itself does: a result of 0 or more, or the negated errno. None
 * throws. None allocates once its addresses are known (native-memory.ts): pointers are plain
 * numbers, of a type that only a check of their range gives. A crossing costs 120 to 350 ns.
 */
import type Koffi from "koffi";
import { SystemError } from "../base/errors.ts";
import { KIB } from "../base/unit.ts";
import { loadKoffi } from "./koffi.ts";
import type { Address } from "./native-memory.ts";
import { PollHandle } from "./poll-handle.ts";

type Value<Parameter extends string> = Parameter extends `intptr_t ${string}` ? Address : number;
type Values<List extends string> = List extends `${infer First}, ${infer Rest}`
  ? [Value<First>, ...Values<Rest>]
  : [Value<List>];

/** What calls the function of a C prototype. */
export type Call<Prototype extends string> = Prototype extends `${string}(${infer List})`
  ? (...values: Values<List>) => number
  : never;

type Native = (...values: number[]) => number;

/** The C library itself, or whatever the process was linked with (musl has no libc.so.6). */
const LIBRARY_NAMES = ["libc.so.6", null];

/**
 * What koffi keeps in each thread for its calls: a stack they run on, and memory for what it
 * converts, which here are numbers only. koffi (3.3.4) does not give it back when the thread ends,
 * so each worker that dies leaves so much behind, in three mappings, instead of its usual 3 MiB.
 * The stack is for a signal that comes during a call too.
 */
const CALL_STACK_BYTES = 256 * KIB;
const CALL_HEAP_BYTES = 64 * KIB;

export class CLibrary {
  readonly #koffi: typeof Koffi;
  readonly #library: ReturnType<typeof Koffi.load>;

  static #loaded: CLibrary | null = null;

  /** This thread's. Throws what says why there is none: koffi is an optional dependency. */
  static load(): CLibrary {
    CLibrary.#loaded ??= new CLibrary();
    return CLibrary.#loaded;
  }

  private constructor() {
    this.#koffi = loadKoffi();
    this.#koffi.config({ sync_stack_size: CALL_STACK_BYTES, sync_heap_size: CALL_HEAP_BYTES });
    this.#library = openLibrary(this.#koffi);
  }

  /** The call of a prototype, as above. Parameters are named; pointers are of type `intptr_t`. */
  call<const Prototype extends string>(prototype: Prototype): Call<Prototype> {
    const native = this.#library.func(prototype);
    const koffi = this.#koffi;
    const answer = (result: number): number => (result >= 0 ? result : -koffi.errno());
    return withAnswer(native, native.info.arguments.length, answer) as Call<Prototype>;
  }

  addressOf(buffer: SharedArrayBuffer): number {
    return Number(this.#koffi.address(new Uint8Array(buffer)));
  }

  /** Memory at an address as a buffer. It must outlive every use of the buffer. */
  mapped(address: number, length: number): ArrayBuffer {
    return this.#koffi.view(BigInt(address), length);
  }

  /** Calls `ready` in this thread's libuv loop while `fd` is readable. */
  poll(fd: number, ready: () => void): PollHandle {
    return new PollHandle(this.#koffi, fd, ready);
  }
}

/** A rest parameter would make an array a call: hence one shape for each number of arguments. */
function withAnswer(native: Native, count: number, answer: (result: number) => number): Native {
  const shapes: readonly Native[] = [
    () => answer(native()),
    (a) => answer(native(a)),
    (a, b) => answer(native(a, b)),
    (a, b, c) => answer(native(a, b, c)),
    (a, b, c, d) => answer(native(a, b, c, d)),
    (a, b, c, d, e) => answer(native(a, b, c, d, e)),
    (a, b, c, d, e, f) => answer(native(a, b, c, d, e, f)),
    (a, b, c, d, e, f, g) => answer(native(a, b, c, d, e, f, g)),
  ] as Native[];
  return shapes[count] as Native;
}

function openLibrary(koffi: typeof Koffi): ReturnType<typeof Koffi.load> {
  for (const name of LIBRARY_NAMES) {
    try {
      return koffi.load(name);
    } catch (error) {
      if (name === LIBRARY_NAMES.at(-1)) throw error;
    }
  }
  throw new SystemError("no C library");
}
