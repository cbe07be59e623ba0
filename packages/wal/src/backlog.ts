import { invariant } from '@se/core'

/** An entry takes no group that is older or younger than its first by more than this, ms: so ages are right to that. */
const ENTRY_SPAN_MS = 1000

interface Entry {
  lastSequence: number
  bytes: number
  /** Wall clock of its first group, ms. */
  readonly firstWrittenMs: number
}

/**
 * How many bytes the log holds and since when, in entries of some 16 KiB and one second, so that a gigabyte of tiny groups takes
 * 65,536 entries and not ten million. The bytes of an entry are held until its last record is released. Pure.
 */
export class Backlog {
  readonly #entryBytes: number
  readonly #entries: Entry[] = []
  /** Entries before this index are gone; the array is cut when half of it is. */
  #start = 0
  #bytes = 0

  /** @param segmentBytes small segments are counted in smaller entries, bytes */
  constructor(segmentBytes: number) {
    this.#entryBytes = Math.min(16 * 1024, segmentBytes / 16)
  }

  /** Bytes of the groups held, framing included. */
  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest record held was written, wall clock ms; undefined if none is held. */
  get oldestMs(): number | undefined {
    return this.#entries[this.#start]?.firstWrittenMs
  }

  add(lastSequence: number, bytes: number, writtenMs: number): void {
    const last = this.#start < this.#entries.length ? this.#entries[this.#entries.length - 1] : undefined
    invariant(last === undefined || lastSequence > last.lastSequence, 'groups are added in their order', {
      lastSequence,
      before: last?.lastSequence,
    })
    this.#bytes += bytes
    const isNear = last !== undefined && Math.abs(writtenMs - last.firstWrittenMs) <= ENTRY_SPAN_MS
    if (isNear && last.bytes + bytes <= this.#entryBytes) {
      last.lastSequence = lastSequence
      last.bytes += bytes
    } else {
      this.#entries.push({ lastSequence, bytes, firstWrittenMs: writtenMs })
    }
  }

  /** Lets go of the entries whose records are all released. */
  release(through: number): void {
    for (;;) {
      const entry = this.#entries[this.#start]
      if (entry === undefined || entry.lastSequence > through) break
      this.#bytes -= entry.bytes
      this.#start++
    }
    if (this.#start > 1024 && this.#start * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#start)
      this.#start = 0
    }
  }
}
