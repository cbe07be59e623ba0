import { isNewer, stampMs, type Stamp } from '@se/core'
import type { FlushQueue } from '../flush/flush-queue.ts'
import type { OutgoingWrite, Restamped } from '../flush/outcomes.ts'
import type { Heard } from '../heard/heard.ts'
import type { MemoryTier } from '../memory/memory-tier.ts'
import type { EngineObserver } from '../observer/observer.ts'
import { encodeRecord } from './record.ts'
import { showInMemory } from './show-in-memory.ts'
import type { Stamping } from './stamping.ts'
import type { Watches } from './watches.ts'

export interface RestampingPorts {
  readonly log: { append(record: Uint8Array): Promise<number> }
  readonly queue: Pick<FlushQueue, 'pending' | 'newestStamp'>
  readonly memory: Pick<MemoryTier, 'put'>
  readonly stamping: Pick<Stamping, 'next' | 'isFromFuture'>
  readonly watches: Pick<Watches, 'laterEnded'>
  /** The write is visible under its new stamp. */
  readonly heard: Pick<Heard, 'hear'>
  readonly observer: EngineObserver
}

/** Gives writes that lost to a stamp from the future another stamp. */
export class Restamping {
  readonly #ports: RestampingPorts

  constructor(ports: RestampingPorts) {
    this.#ports = ports
  }

  /**
   * A write that lost to a stamp from the future goes on above it: that stamp says nothing of when the other write was made,
   * and would win for as long as it lies ahead [P67]. It is in the log under its new stamp before the old record may go.
   *
   * One that bears a stamp from the future itself loses like any other, or a replay of it would win over a later one. And so does
   * one after which a later own write was committed, which had been stamped anew itself.
   *
   * @param above the stamp it lost to
   * @returns `undefined` when the loss stands
   */
  async restamp(outgoing: OutgoingWrite, above: Stamp): Promise<Restamped | undefined> {
    const { log, queue, memory, stamping, watches, heard, observer } = this.#ports
    const { write, isPending } = outgoing
    // A later own write of the id will lose too, and go on; unless the log, to which it may be on its way, does not take it.
    await watches.laterEnded(write)
    if (stamping.isFromFuture(write.stamp) || (isPending && outgoing.isOvertaken)) return undefined
    if (isNewer(queue.newestStamp(write.id)!, write.stamp)) return undefined
    const aheadMs = Math.max(0, stampMs(above) - stampMs(write.stamp))
    observer.fault?.({
      part: 'clock',
      what: 'an item bears a stamp from the future; a write of it was stamped anew above that',
      error: undefined,
      figures: { aheadMs },
    })
    const stamp = stamping.next(write.id, above)
    const { record, write: again } = encodeRecord({ ...write, stamp, value: write.bytes })
    if (!isPending) return { kind: 'restamped', write: again, logSequence: undefined }
    // A log that fails still has the old record, and replays it.
    const logSequence = await log.append(record).catch(() => undefined)
    if (queue.pending.read(write.id) === write) {
      heard.hear({ id: write.id, stamp, isLive: undefined }, 'own-acknowledged')
      showInMemory(memory, again)
    }
    return { kind: 'restamped', write: again, logSequence }
  }
}
