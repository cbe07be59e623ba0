import { invariant } from '@se/core'
import type { Backlog } from './backlog.ts'

/** What recovery found. */
export interface ProgressFound {
  readonly lastSequence: number
  readonly releasedThrough: number
  readonly isClosed: boolean
  readonly backlog: Backlog
}

/** A group that has been written. */
export interface WrittenGroup {
  readonly recordCount: number
  readonly groupBytes: number
  /** Wall clock, ms. */
  readonly writtenMs: number
  /** The release that the group tells of. */
  readonly releasedThrough: number
  readonly closesLog: boolean
}

/**
 * How far the log has come: which records are written, durable, released, and which release a written or a durable group
 * tells of. Pure.
 *
 *   durableSequence <= lastSequence
 *   durableRelease <= writtenRelease <= releasedThrough <= lastSequence
 */
export class Progress {
  readonly #backlog: Backlog
  #lastSequence: number
  #durableSequence: number
  #releasedThrough: number
  #writtenRelease: number
  #durableRelease: number
  #endsClosed: boolean

  /** @param found all of it is durable: recovery has seen to that */
  constructor(found: ProgressFound) {
    const { lastSequence, releasedThrough } = found
    invariant(releasedThrough <= lastSequence, 'only records that are written are released', {
      releasedThrough,
      lastSequence,
    })
    this.#backlog = found.backlog
    this.#lastSequence = lastSequence
    this.#durableSequence = lastSequence
    this.#releasedThrough = releasedThrough
    this.#writtenRelease = releasedThrough
    this.#durableRelease = releasedThrough
    this.#endsClosed = found.isClosed
  }

  /** Last record written; 0 if there never was one. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** Last record that survives a power cut. */
  get durableSequence(): number {
    return this.#durableSequence
  }

  get releasedThrough(): number {
    return this.#releasedThrough
  }

  /** The last release that survives a power cut. */
  get durableRelease(): number {
    return this.#durableRelease
  }

  /** Whether the last group says that the log was closed. */
  get endsClosed(): boolean {
    return this.#endsClosed
  }

  /** Records written and not released. */
  get recordCount(): number {
    return this.#lastSequence - this.#releasedThrough
  }

  /** Bytes of the groups with records that are not released, to some 16 KiB. */
  get bytes(): number {
    return this.#backlog.bytes
  }

  /** When the oldest record not released was written, wall clock ms; undefined if there is none. */
  get oldestMs(): number | undefined {
    return this.#backlog.oldestMs
  }

  /** The group stands behind all groups before. */
  wrote(group: WrittenGroup): void {
    const { recordCount, groupBytes, writtenMs, releasedThrough, closesLog } = group
    invariant(
      releasedThrough >= this.#writtenRelease && releasedThrough <= this.#releasedThrough,
      'a group tells of a release that was made, and of no earlier one than the group before',
      { releasedThrough, writtenRelease: this.#writtenRelease, through: this.#releasedThrough },
    )
    this.#lastSequence += recordCount
    this.#writtenRelease = releasedThrough
    this.#endsClosed = closesLog
    if (recordCount > 0) this.#backlog.add(this.#lastSequence, groupBytes, writtenMs)
  }

  /** All that is written is durable. */
  synced(): void {
    this.#durableSequence = this.#lastSequence
    this.#durableRelease = this.#writtenRelease
  }

  /** A lower sequence than before releases nothing. @returns how many records are released by it */
  release(through: number): number {
    invariant(through <= this.#lastSequence, 'only records that are written are released', {
      through,
      lastSequence: this.#lastSequence,
    })
    const recordCount = Math.max(0, through - this.#releasedThrough)
    this.#releasedThrough += recordCount
    this.#backlog.release(this.#releasedThrough)
    return recordCount
  }
}
