/**
 * Slab map: every slab of every shard in four bytes, in memory order, for the page to draw.
 *
 *   byte 0 queue (0 free, 1 small, 2 main, 3 large)   1 written / 255   2 live / 255   3 age: 16 × log2(1 + seconds), capped
 *
 * Neighbours are merged when a shard has more slabs than a screen has cells: the picture stays
 * small whatever -m is.
 */
import type { NodeView } from "../stats/node-view.ts";

const CELL_BYTES = 4;
/** Cells of all shards together. */
const CELLS_MAX = 4096;
const AGE_STEPS_PER_OCTAVE = 16;

export interface SlabMapShard {
  readonly shard: number;
  readonly slabs: number;
  /** Slabs that one cell stands for. */
  readonly slabsPerCell: number;
  /** base64 of the cells. */
  readonly cells: string;
}

export interface SlabMap {
  readonly slabBytes: number;
  readonly shards: readonly SlabMapShard[];
}

/** The map now. */
export function slabMap(view: NodeView): SlabMap {
  const now = view.now();
  const cellsPerShard = Math.max(1, Math.floor(CELLS_MAX / Math.max(1, view.shards.length)));
  return {
    slabBytes: view.shards[0]?.plan.slabBytes ?? 0,
    shards: view.shards.map((shard, index) => {
      const slabs = shard.plan.slabCount;
      const slabsPerCell = Math.ceil(slabs / cellsPerShard);
      const cells = Buffer.alloc(Math.ceil(slabs / slabsPerCell) * CELL_BYTES);
      const room = shard.slabRoomBytes();
      for (let slab = 0; slab < slabs; slab += slabsPerCell) {
        const at = (slab / slabsPerCell) * CELL_BYTES;
        let written = 0;
        let live = 0;
        const last = Math.min(slabs, slab + slabsPerCell);
        for (let each = slab; each < last; each++) {
          const { writtenBytes, liveBytes } = shard.slab(each);
          written += writtenBytes;
          live += liveBytes;
        }
        const { queue, openedAt } = shard.slab(slab);
        const bytes = room * (last - slab);
        const age = Math.log2(1 + Math.max(0, now - openedAt)) * AGE_STEPS_PER_OCTAVE;
        cells[at] = queue;
        cells[at + 1] = queue === 0 ? 0 : Math.min(255, Math.round((255 * written) / bytes));
        cells[at + 2] = queue === 0 ? 0 : Math.min(255, Math.round((255 * live) / bytes));
        cells[at + 3] = queue === 0 ? 0 : Math.min(255, Math.round(age));
      }
      return { shard: index, slabs, slabsPerCell, cells: cells.toString("base64") };
    }),
  };
}
