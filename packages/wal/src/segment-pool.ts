import type { CancelTimer, Clock } from '@se/core'
import { NoRoom, type SegmentFiles } from './segment-files.ts'
import type { SegmentHandle } from './segment-handle.ts'

/** A segment that is full, or was left. */
export interface SealedSegment {
  readonly id: number
  /** One past `lastSequence` if it has no records. */
  readonly firstSequence: number
  readonly lastSequence: number
  /** Size of the file, bytes. */
  readonly segmentBytes: number
  /** Used, bytes. */
  readonly usedBytes: number
}

/** An open file whose header says that it is ready for its first group. */
export interface PreparedSegment {
  readonly id: number
  /** Its size, bytes; one prepared by an earlier run may have another than configured. */
  readonly segmentBytes: number
  readonly handle: SegmentHandle
}

export interface SegmentPoolParts {
  readonly files: Pick<SegmentFiles, 'prepare' | 'free' | 'removeSpare'>
  readonly segmentBytes: number
  readonly clock: Clock
  readonly releaseDelayMs: number
  readonly spareSegmentsMax: number
  readonly sealed: SealedSegment[]
  readonly spares: string[]
  readonly next: PreparedSegment | undefined
  /** Id for the next segment to prepare. */
  readonly nextId: number
  /** Makes durable that these records are released, if there is room for that; rejects if the log fails. */
  makeReleaseDurable(through: number): Promise<boolean>
  /** Something failed that leaves the directory in doubt. */
  failed(operation: string, error: unknown): void
  /** A segment was freed or prepared: writers that wait may go on. */
  roomMade(): void
  /** No segment could be prepared because the disk is full. */
  diskFilled(): void
}

/**
 * The segment files other than the one being written: prepared ahead, sealed, held, freed, spare.
 *
 *   spare or new --prepare--> next --take--> (written) --seal--> sealed --all released, delay over,
 *   nobody reads, release durable--> spare or removed
 */
export class SegmentPool {
  readonly #parts: SegmentPoolParts
  readonly #sealed: SealedSegment[]
  readonly #spares: string[]
  #next: PreparedSegment | undefined
  #nextId: number
  #preparing: Promise<void> | undefined
  #lastAttemptMs = -Infinity
  #isDiskFull = false
  #releasedThrough = 0
  /** Monotonic ms at which each sealed segment was wholly released, by id. */
  readonly #releasedAtMs = new Map<number, number>()
  #heldBytes = 0
  #freeing: Promise<void> | undefined
  #freeAgain = false
  #cancelTimer: CancelTimer | undefined
  readonly #readers = new Set<{ segmentId: number }>()
  #isStopped = false

  constructor(parts: SegmentPoolParts) {
    this.#parts = parts
    this.#sealed = parts.sealed
    this.#spares = parts.spares
    this.#next = parts.next
    this.#nextId = parts.nextId
  }

  get sealed(): readonly SealedSegment[] {
    return this.#sealed
  }

  /** Whether the last attempt to prepare a segment found the disk full. */
  get isDiskFull(): boolean {
    return this.#isDiskFull
  }

  get spareCount(): number {
    return this.#spares.length + (this.#next === undefined ? 0 : 1)
  }

  get heldCount(): number {
    return this.#releasedAtMs.size
  }

  /** Used bytes of segments that are released and not freed yet. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** How long ago preparing was last tried, ms. */
  get sinceAttemptMs(): number {
    return this.#parts.clock.monotonicMs() - this.#lastAttemptMs
  }

  /** The next segment; undefined if there is none because the disk is full or the log has failed. */
  async take(): Promise<PreparedSegment | undefined> {
    if (this.#next === undefined) await this.#preparing
    return this.takePrepared()
  }

  /** The next segment if it is ready. */
  takePrepared(): PreparedSegment | undefined {
    const next = this.#next
    this.#next = undefined
    return next
  }

  seal(segment: SealedSegment): void {
    this.#sealed.push(segment)
    this.release(this.#releasedThrough)
  }

  /** Starts preparing the next segment unless there is one; tells the parts how it went. */
  prepare(): void {
    if (this.#next !== undefined || this.#isStopped) return
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined
    })
  }

  /** Notes which sealed segments are wholly released by now. */
  release(through: number): void {
    this.#releasedThrough = through
    const nowMs = this.#parts.clock.monotonicMs()
    for (const segment of this.#sealed) {
      if (segment.lastSequence > through) break
      if (this.#releasedAtMs.has(segment.id)) continue
      this.#releasedAtMs.set(segment.id, nowMs)
      this.#heldBytes += segment.usedBytes
    }
  }

  /** Frees what is released long enough and read by nobody. @returns when there is nothing more to free for now */
  free(): Promise<void> {
    this.#freeAgain = true
    this.#freeing ??= this.#freeAll()
    return this.#freeing
  }

  /** Keeps the segment, and those after it, from being freed; the caller may raise `segmentId` as it goes on. */
  startReading(segmentId: number): { segmentId: number } {
    const reader = { segmentId }
    this.#readers.add(reader)
    return reader
  }

  stopReading(reader: { segmentId: number }): void {
    this.#readers.delete(reader)
    void this.free()
  }

  /** Ends what runs in the background; a prepared segment may still be taken. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    await Promise.all([this.#preparing, this.#freeing])
  }

  async #prepare(): Promise<void> {
    this.#lastAttemptMs = this.#parts.clock.monotonicMs()
    const id = this.#nextId
    const spare = this.#spares.pop()
    const wasDiskFull = this.#isDiskFull
    try {
      const handle = await this.#parts.files.prepare(id, spare)
      this.#next = { id, segmentBytes: this.#parts.segmentBytes, handle }
      this.#nextId = id + 1
      this.#isDiskFull = false
      this.#parts.roomMade()
      // There may have been no room to note a release.
      if (wasDiskFull) void this.free()
    } catch (error) {
      if (error instanceof NoRoom) {
        if (spare !== undefined) this.#spares.push(spare)
        this.#isDiskFull = true
        this.#parts.diskFilled()
      } else {
        this.#parts.failed('prepare', error)
      }
    }
  }

  async #freeAll(): Promise<void> {
    try {
      while (this.#freeAgain) {
        this.#freeAgain = false
        while (await this.#freeOldest()) this.#parts.roomMade()
      }
    } catch (error) {
      this.#parts.failed('free', error)
    } finally {
      // At once, not a microtask later: a call in between would be lost.
      this.#freeing = undefined
    }
  }

  /** @returns whether a segment was freed */
  async #freeOldest(): Promise<boolean> {
    const segment = this.#sealed[0]
    if (segment === undefined || !this.#mayFree(segment)) return false
    if (!(await this.#parts.makeReleaseDurable(segment.lastSequence))) return false
    // Meanwhile someone may have started to read it, or the log been closed.
    if (!this.#mayFree(segment)) return false
    this.#sealed.shift()
    this.#releasedAtMs.delete(segment.id)
    this.#heldBytes -= segment.usedBytes
    const spare = await this.#parts.files.free(segment.id)
    // One that is being prepared has its file: without that, all that is freed meanwhile would be kept.
    const needsNext = this.#next === undefined && this.#preparing === undefined
    const isWanted = needsNext || this.#spares.length < this.#parts.spareSegmentsMax
    if (isWanted && segment.segmentBytes === this.#parts.segmentBytes) this.#spares.push(spare)
    else await this.#parts.files.removeSpare(spare)
    this.prepare()
    return true
  }

  #mayFree(segment: SealedSegment): boolean {
    const releasedAtMs = this.#releasedAtMs.get(segment.id)
    if (releasedAtMs === undefined || this.#isStopped) return false
    const leftMs = releasedAtMs + this.#parts.releaseDelayMs - this.#parts.clock.monotonicMs()
    if (leftMs > 0) {
      this.#cancelTimer?.()
      this.#cancelTimer = this.#parts.clock.setBackgroundTimer(leftMs, () => void this.free())
      return false
    }
    for (const reader of this.#readers) if (reader.segmentId <= segment.id) return false
    return true
  }
}
