import { invariant } from '@se/core'

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

/** A reader keeps this segment, and those after it. It raises the id as it goes on. */
export interface SegmentReader {
  segmentId: number
}

/** What may be done about the oldest segment. */
export type Freeing =
  | { readonly kind: 'keep' }
  /** In `delayMs`, nothing else has to happen before. */
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'free'; readonly segment: SealedSegment }

/**
 * The segments that were written to before the active one, oldest first, and what keeps them. Pure.
 *
 * A segment may be freed once all its records are released, `releaseDelayMs` has passed since, and no reader has still to read
 * it. They are freed from the oldest on, so ids never have a gap.
 */
export class SealedSegments {
  readonly #segments: SealedSegment[]
  readonly #releaseDelayMs: number
  /** Monotonic ms at which each segment was wholly released, by id. */
  readonly #releasedAtMs = new Map<number, number>()
  readonly #readers = new Set<SegmentReader>()
  #heldBytes = 0

  constructor(segments: readonly SealedSegment[], releaseDelayMs: number) {
    this.#segments = []
    this.#releaseDelayMs = releaseDelayMs
    for (const segment of segments) this.seal(segment)
  }

  get count(): number {
    return this.#segments.length
  }

  get oldest(): SealedSegment | undefined {
    return this.#segments[0]
  }

  /** Segments that are wholly released and not freed yet. */
  get heldCount(): number {
    return this.#releasedAtMs.size
  }

  /** Their used bytes. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The segment that ends at the record or behind it; undefined if that is the active one. */
  find(sequence: number): SealedSegment | undefined {
    // Linear, but once a segment, and there are few.
    return this.#segments.find((segment) => segment.lastSequence >= sequence)
  }

  /** Adds the segment that was active until now. */
  seal(segment: SealedSegment): void {
    const last = this.#segments.at(-1)
    invariant(
      last === undefined || (segment.id === last.id + 1 && segment.firstSequence === last.lastSequence + 1),
      'segments follow one another without a gap, in their ids and in their records',
      { last: last?.id, id: segment.id, through: last?.lastSequence, firstSequence: segment.firstSequence },
    )
    this.#segments.push(segment)
  }

  /** Notes which segments are wholly released by now. @param nowMs monotonic */
  release(through: number, nowMs: number): void {
    for (const segment of this.#segments) {
      if (segment.lastSequence > through) break
      if (this.#releasedAtMs.has(segment.id)) continue
      this.#releasedAtMs.set(segment.id, nowMs)
      this.#heldBytes += segment.usedBytes
    }
  }

  /** @param nowMs monotonic */
  judgeOldest(nowMs: number): Freeing {
    const segment = this.#segments[0]
    const releasedAtMs = segment === undefined ? undefined : this.#releasedAtMs.get(segment.id)
    if (segment === undefined || releasedAtMs === undefined) return { kind: 'keep' }
    const delayMs = releasedAtMs + this.#releaseDelayMs - nowMs
    if (delayMs > 0) return { kind: 'later', delayMs }
    for (const reader of this.#readers) if (reader.segmentId <= segment.id) return { kind: 'keep' }
    return { kind: 'free', segment }
  }

  /** Takes the oldest segment out, which was judged to be free. */
  takeOldest(): SealedSegment {
    const segment = this.#segments[0]
    invariant(
      segment !== undefined && this.#releasedAtMs.has(segment.id),
      'only a segment that is wholly released is freed',
      { id: segment?.id },
    )
    this.#segments.shift()
    this.#releasedAtMs.delete(segment.id)
    this.#heldBytes -= segment.usedBytes
    return segment
  }

  startReading(segmentId: number): SegmentReader {
    const reader = { segmentId }
    this.#readers.add(reader)
    return reader
  }

  stopReading(reader: SegmentReader): void {
    this.#readers.delete(reader)
  }
}
