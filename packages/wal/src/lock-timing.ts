import { invariant } from '@se/core'

/** The holder writes to its lock file this often, ms. */
export const BEAT_MS = 2000
/** The holder may act without looking at the lock for this long after the begin of its last beat, ms. */
export const SURE_MS = 6000
/**
 * A holder that cannot be judged is taken for dead when its lock file has not changed for this long, ms, by the clock of the
 * process that watches it.
 */
export const SILENCE_MS = 20_000
/** A process that watches a holder looks this often, ms. */
export const WATCH_MS = 250

// One beat may fail or be late, and the holder still need not stop to look.
invariant(2 * BEAT_MS < SURE_MS, 'a holder is sure for longer than two beats take')
// A holder that lives does nothing more without a look long before it is taken for dead, and the clocks may differ in speed.
invariant(3 * SURE_MS < SILENCE_MS, 'a silent holder has ceased to be sure well before it is taken for dead')
// Between two looks of the watcher there is at most one beat, so it cannot miss that the holder writes.
invariant(WATCH_MS < BEAT_MS, 'a watcher looks more often than the holder beats')
