import { invariant, SharedRun, type Clock } from '@se/core'
import type { ParsedLimits } from './limits.ts'
import type { LogLife } from './log-life.ts'
import type { SealedSegment } from './sealed-segments.ts'
import { NoRoom, type SegmentFiles } from './segment-files.ts'
import type { SegmentHandle } from './segment-handle.ts'

/** An open file whose header says that it is ready for its first group. */
export interface PreparedSegment {
  readonly id: number
  /** Its size, bytes; one prepared by an earlier run may have another than configured. */
  readonly segmentBytes: number
  readonly handle: SegmentHandle
}

/** What is there for the segments to come. */
export interface SegmentStock {
  /** Names of spare files of the right size. */
  readonly spares: readonly string[]
  readonly next: PreparedSegment | undefined
  /** Id of the segment that is prepared after `next`. */
  readonly nextId: number
}

export interface SegmentSupplyPorts {
  readonly files: Pick<SegmentFiles, 'prepare' | 'free' | 'removeSpare'>
  readonly limits: Pick<ParsedLimits, 'segmentBytes' | 'spareSegmentsMax'>
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly life: Pick<LogLife, 'fail'>
  readonly events: SegmentSupplyEvents
}

export interface SegmentSupplyEvents {
  /** @param wasDiskFull whether the attempt before had found the disk full */
  prepared(wasDiskFull: boolean): void
  /** No segment could be prepared because the disk is full. */
  diskFilled(): void
}

/**
 * The segments to come: one is prepared ahead, from a spare file where there is one.
 *
 *   spare or new file --prepare--> next --take--> (active, then sealed) --recycle--> spare or removed
 */
export class SegmentSupply {
  readonly #ports: SegmentSupplyPorts
  readonly #preparing = new SharedRun<void>()
  readonly #spares: string[]
  #next: PreparedSegment | undefined
  #nextId: number
  #lastAttemptMs = -Infinity
  #isDiskFull = false
  #isStopped = false

  constructor({ spares, next, nextId }: SegmentStock, ports: SegmentSupplyPorts) {
    invariant(next === undefined || next.id < nextId, 'ids of segments ascend', { next: next?.id, nextId })
    this.#ports = ports
    this.#spares = [...spares]
    this.#next = next
    this.#nextId = nextId
  }

  /** Whether the last attempt to prepare a segment found the disk full. */
  get isDiskFull(): boolean {
    return this.#isDiskFull
  }

  /** Files ready for use, the prepared segment included. */
  get spareCount(): number {
    return this.#spares.length + (this.#next === undefined ? 0 : 1)
  }

  /** How long ago preparing was last tried, ms. */
  get sinceAttemptMs(): number {
    return this.#ports.clock.monotonicMs() - this.#lastAttemptMs
  }

  /** The next segment; undefined if there is none because the disk is full or the log has failed. */
  async take(): Promise<PreparedSegment | undefined> {
    if (this.#next === undefined) await this.#preparing.running
    return this.takePrepared()
  }

  /** The next segment if it is ready. */
  takePrepared(): PreparedSegment | undefined {
    const next = this.#next
    this.#next = undefined
    return next
  }

  /** Starts preparing the next segment unless there is one; the events tell how it went. */
  prepare(): void {
    if (this.#next !== undefined || this.#isStopped) return
    void this.#preparing.run(() => this.#prepare())
  }

  /** Frees the file of a segment that is not needed any more, and keeps it as a spare or removes it. */
  async recycle(segment: SealedSegment): Promise<void> {
    const { files, limits } = this.#ports
    const spare = await files.free(segment.id)
    // One that is being prepared has its file: without that, all that is freed meanwhile would be kept.
    const needsNext = this.#next === undefined && this.#preparing.running === undefined
    const isWanted = needsNext || this.#spares.length < limits.spareSegmentsMax
    if (isWanted && segment.segmentBytes === limits.segmentBytes) this.#spares.push(spare)
    else await files.removeSpare(spare)
    this.prepare()
  }

  /** Prepares nothing more, and waits for what is under way; a prepared segment may still be taken. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#preparing.running
  }

  async #prepare(): Promise<void> {
    const { files, limits, clock, life, events } = this.#ports
    this.#lastAttemptMs = clock.monotonicMs()
    const id = this.#nextId
    const spare = this.#spares.pop()
    const wasDiskFull = this.#isDiskFull
    try {
      const handle = await files.prepare(id, spare)
      this.#next = { id, segmentBytes: limits.segmentBytes, handle }
      this.#nextId = id + 1
      this.#isDiskFull = false
      events.prepared(wasDiskFull)
    } catch (error) {
      if (error instanceof NoRoom) {
        if (spare !== undefined) this.#spares.push(spare)
        this.#isDiskFull = true
        events.diskFilled()
      } else {
        life.fail('prepare', error)
      }
    }
  }
}
