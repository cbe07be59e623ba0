import { isNewer, type ItemWrite } from '@se/core'
import type { EngineObserver } from '../observer/observer.ts'
import type { FlushQueue } from './flush-queue.ts'
import type { Batch, BatchOutcome, LoggedWrite } from './outcomes.ts'

export interface LogReleasePorts {
  readonly log: { release(through: number): Promise<void> | void }
  /** The writes in the log from a sequence on, in its order. */
  readonly findInLog: (from: number) => AsyncIterable<LoggedWrite>
  readonly queue: Pick<FlushQueue, 'lowWaterMark' | 'coveredFrom'>
  readonly observer: EngineObserver
}

/** Lets the log go of what no write on its way needs any more [W2]. */
export class LogRelease {
  readonly #ports: LogReleasePorts
  /** Told once: a log that has failed fails at every release. */
  #isFailing = false

  constructor(ports: LogReleasePorts) {
    this.#ports = ports
  }

  /** A log that cannot release keeps nothing from reaching the archive: its records are replayed at the next start. */
  async release(): Promise<void> {
    const { log, queue, observer } = this.#ports
    try {
      await log.release(queue.lowWaterMark.releasable())
    } catch (error) {
      if (this.#isFailing) return
      this.#isFailing = true
      observer.fault?.({
        part: 'log',
        what: 'records could not be released; the log grows until it is opened again',
        error,
      })
    }
  }

  /**
   * A write that was parked may have taken the place of older acknowledged ones of its id before it was sent. The log still has
   * them, and must not let go of them before the archive has one.
   *
   * @returns by index in the batch: the newest of them
   */
  async findCovered(
    batch: Batch,
    outcomes: readonly BatchOutcome[],
  ): Promise<ReadonlyMap<number, LoggedWrite>> {
    const { queue, findInLog } = this.#ports
    const wanted = new Map<string, { readonly index: number; readonly write: ItemWrite }>()
    let from = Infinity
    for (const [index, write] of batch.writes.entries()) {
      if (outcomes[index]?.kind !== 'parked') continue
      const firstSequence = queue.coveredFrom(batch, index)
      if (firstSequence === undefined) continue
      wanted.set(write.id, { index, write })
      from = Math.min(from, firstSequence)
    }
    const found = new Map<number, LoggedWrite>()
    if (wanted.size === 0) return found
    for await (const logged of findInLog(from)) {
      const want = wanted.get(logged.write.id)
      if (want === undefined || !isNewer(want.write.stamp, logged.write.stamp)) continue
      if (isNewer(logged.write.stamp, found.get(want.index)?.write.stamp)) found.set(want.index, logged)
    }
    return found
  }
}
