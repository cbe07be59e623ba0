import type { CancelTimer, Clock } from '@se/core'
import type { Admission } from './admission.ts'
import type { GroupCommit } from './group-commit.ts'
import type { LogLife } from './log-life.ts'
import type { LogObserver } from './observer.ts'
import type { Progress } from './progress.ts'
import type { SealedSegments, SegmentReader } from './sealed-segments.ts'
import { checkSequence } from './sequence.ts'
import type { SegmentSupply } from './segment-supply.ts'

export interface ReleasesPorts {
  readonly progress: Pick<Progress, 'release' | 'releasedThrough' | 'lastSequence'>
  readonly sealed: SealedSegments
  readonly supply: Pick<SegmentSupply, 'recycle' | 'prepare' | 'isDiskFull'>
  readonly commit: Pick<GroupCommit, 'makeReleaseDurable'>
  readonly admission: Pick<Admission, 'admitWaiting'>
  readonly life: Pick<LogLife, 'isOpen' | 'whyNot' | 'fail' | 'failure'>
  readonly clock: Clock
  readonly observer: LogObserver | undefined
}

/** Gives back the room of released records: frees segments, oldest first, each behind a durable group that tells of the release. */
export class Releases {
  readonly #ports: ReleasesPorts
  #freeing: Promise<void> | undefined
  #freeAgain = false
  #cancelTimer: CancelTimer | undefined
  #isStopped = false

  constructor(ports: ReleasesPorts) {
    this.#ports = ports
  }

  /**
   * The records up to this one are not needed any more.
   *
   * @returns once the segments that may be freed by now are
   * @throws LogFailed, LogClosed, InvalidInput for a sequence that was never written
   */
  async release(through: number): Promise<void> {
    const { progress, sealed, supply, admission, life, clock, observer } = this.#ports
    if (!life.isOpen) throw life.whyNot()
    checkSequence('through', through, 0, progress.lastSequence)
    const segmentCount = sealed.count
    const records = progress.release(through)
    sealed.release(progress.releasedThrough, clock.monotonicMs())
    admission.admitWaiting()
    await this.free()
    if (supply.isDiskFull) supply.prepare()
    if (life.failure !== undefined) throw life.failure
    const segmentsFreed = Math.max(0, segmentCount - sealed.count)
    observer?.released?.({ through: progress.releasedThrough, records, segmentsFreed })
  }

  /** Frees the segments that may be freed. @returns when there is no more to free for now */
  free(): Promise<void> {
    this.#freeAgain = true
    this.#freeing ??= this.#freeAll()
    return this.#freeing
  }

  /** Keeps the segment, and those after it, from being freed. */
  startReading(segmentId: number): SegmentReader {
    return this.#ports.sealed.startReading(segmentId)
  }

  stopReading(reader: SegmentReader): void {
    this.#ports.sealed.stopReading(reader)
    void this.free()
  }

  /** Frees nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    await this.#freeing
  }

  async #freeAll(): Promise<void> {
    const { admission, life } = this.#ports
    try {
      while (this.#freeAgain) {
        this.#freeAgain = false
        while (await this.#freeOldest()) admission.admitWaiting()
      }
    } catch (error) {
      life.fail('free', error)
    } finally {
      // At once, not a microtask later: a call in between would be lost.
      this.#freeing = undefined
    }
  }

  /** @returns whether a segment was freed */
  async #freeOldest(): Promise<boolean> {
    const { commit, sealed, supply } = this.#ports
    const segment = this.#judgeOldest()
    if (segment === undefined) return false
    if (!(await commit.makeReleaseDurable(segment.lastSequence))) return false
    // Meanwhile a reader may have come, or the log been closed.
    if (this.#judgeOldest() === undefined) return false
    await supply.recycle(sealed.takeOldest())
    return true
  }

  /** The oldest segment if it may be freed. If only time is missing, sets a timer for it. */
  #judgeOldest() {
    if (this.#isStopped) return undefined
    const { sealed, clock } = this.#ports
    const freeing = sealed.judgeOldest(clock.monotonicMs())
    if (freeing.kind === 'later') {
      this.#cancelTimer?.()
      this.#cancelTimer = clock.setBackgroundTimer(freeing.delayMs, () => void this.free())
    }
    return freeing.kind === 'free' ? freeing.segment : undefined
  }
}
