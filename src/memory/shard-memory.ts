/**
 * Shard memory: all views of one shard's region, made together. Views hold no state, so each thread
 * makes its own.
 */
import type { Arena } from "./arena.ts";
import { Buckets } from "./buckets.ts";
import { GhostTable } from "./ghost-table.ts";
import { ItemView } from "./item-view.ts";
import { Items } from "./items.ts";
import { LeaseTable } from "./lease-table.ts";
import { ShardHeader } from "./shard-header.ts";
import { readPlan, type ShardPlan } from "./shard-plan.ts";
import { SlabTable } from "./slab-table.ts";
import { UploadTable } from "./upload-table.ts";

export class ShardMemory {
  readonly arena: Arena;
  readonly plan: ShardPlan;
  readonly header: ShardHeader;
  readonly slabs: SlabTable;
  readonly items: Items;
  readonly view: ItemView;
  readonly buckets: Buckets;
  readonly ghosts: GhostTable;
  readonly leases: LeaseTable;
  readonly uploads: UploadTable;

  /** Attaches to the region formatted at `base`. */
  constructor(arena: Arena, base: number) {
    const plan = readPlan(arena, base);
    this.arena = arena;
    this.plan = plan;
    this.header = new ShardHeader(arena, base);
    this.slabs = new SlabTable(arena, base, plan);
    this.items = new Items(arena, base, plan);
    this.view = new ItemView(arena, this.header, this.slabs, this.items);
    this.buckets = new Buckets(arena, base, plan);
    this.ghosts = new GhostTable(arena, base, plan);
    this.leases = new LeaseTable(arena, base, plan);
    this.uploads = new UploadTable(arena, base, plan);
  }
}
