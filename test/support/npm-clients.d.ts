/**
 * The parts of npm's memcached clients that the tests use, where the packages bring no types of
 * their own.
 */

declare module "memcached" {
  type Callback<T> = (error: Error | undefined, value: T) => void;

  class Memcached {
    constructor(servers: string | readonly string[], options?: Readonly<Record<string, unknown>>);
    get(key: string, callback: Callback<unknown>): void;
    gets(key: string, callback: Callback<Readonly<Record<string, unknown>>>): void;
    getMulti(keys: readonly string[], callback: Callback<Record<string, unknown>>): void;
    set(key: string, value: unknown, ttl: number, callback: Callback<boolean>): void;
    add(key: string, value: unknown, ttl: number, callback: Callback<boolean>): void;
    replace(key: string, value: unknown, ttl: number, callback: Callback<boolean>): void;
    append(key: string, value: unknown, callback: Callback<boolean>): void;
    prepend(key: string, value: unknown, callback: Callback<boolean>): void;
    cas(key: string, value: unknown, cas: unknown, ttl: number, callback: Callback<boolean>): void;
    incr(key: string, delta: number, callback: Callback<number | boolean>): void;
    decr(key: string, delta: number, callback: Callback<number | boolean>): void;
    touch(key: string, ttl: number, callback: Callback<boolean>): void;
    del(key: string, callback: Callback<boolean>): void;
    version(callback: Callback<readonly Readonly<Record<string, unknown>>[]>): void;
    stats(callback: Callback<readonly Readonly<Record<string, unknown>>[]>): void;
    settings(callback: Callback<readonly Readonly<Record<string, unknown>>[]>): void;
    items(callback: Callback<readonly Readonly<Record<string, unknown>>[]>): void;
    slabs(callback: Callback<readonly Readonly<Record<string, unknown>>[]>): void;
    flush(callback: Callback<readonly boolean[]>): void;
    end(): void;
  }

  export default Memcached;
}

declare module "memjs" {
  interface Found {
    readonly value: Buffer | null;
    readonly flags: Buffer | null;
  }

  export class Client {
    static create(servers: string, options?: Readonly<Record<string, unknown>>): Client;
    get(key: string): Promise<Found>;
    set(key: string, value: string | Buffer, options: { expires?: number }): Promise<boolean>;
    add(key: string, value: string | Buffer, options: { expires?: number }): Promise<boolean>;
    replace(key: string, value: string | Buffer, options: { expires?: number }): Promise<boolean>;
    delete(key: string): Promise<boolean>;
    increment(
      key: string,
      delta: number,
      options: { initial?: number; expires?: number },
    ): Promise<{ success: boolean; value: number }>;
    decrement(
      key: string,
      delta: number,
      options: { initial?: number; expires?: number },
    ): Promise<{ success: boolean; value: number }>;
    append(key: string, value: string | Buffer): Promise<boolean>;
    prepend(key: string, value: string | Buffer): Promise<boolean>;
    touch(key: string, ttl: number): Promise<boolean>;
    flush(callback: (error: Error | null, results: Record<string, boolean>) => void): void;
    stats(
      callback: (error: Error | null, server: string, stats: Record<string, string> | null) => void,
    ): void;
    quit(): void;
    close(): void;
  }

  const memjs: { Client: typeof Client };
  export default memjs;
}

declare module "memcached-elasticache" {
  import { EventEmitter } from "node:events";

  class ElastiCache extends EventEmitter {
    constructor(endpoint: string, options?: Readonly<Record<string, unknown>>);
    get(key: string, callback: (error: unknown, value: unknown) => void): void;
    set(key: string, value: unknown, ttl: number, callback: (error: unknown) => void): void;
    end(): void;
  }
  export default ElastiCache;
}
