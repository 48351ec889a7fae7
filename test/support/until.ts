import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MILLISECONDS = 20;
/** Never reached when what is waited for comes at all. */
const PATIENCE_MILLISECONDS = 30_000;

/** Looks again and again until it is so. Throws when it never is. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MILLISECONDS} ms`);
    await sleep(LOOK_MILLISECONDS);
  }
}
