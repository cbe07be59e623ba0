import { invariant } from '@se/core'
import type { Call } from './call.ts'
import { groupBytesOf, LENGTH_BYTES } from './format.ts'

/** How much the active segment still takes. */
export interface Room {
  /** For a group with records, bytes. */
  readonly recordRoomBytes: number
  /** For a group without records; some room is kept for them. */
  readonly hasControlRoom: boolean
}

/** The calls that wait to be written, in order, and how much they bring. Pure. */
export class AppendQueue {
  readonly #groupBytesMax: number
  #calls: Call[] = []
  #recordCount = 0
  #bytes = 0

  /** @param groupBytesMax most bytes of a group; one call alone may exceed it */
  constructor(groupBytesMax: number) {
    this.#groupBytesMax = groupBytesMax
  }

  /** Calls not yet taken. */
  get length(): number {
    return this.#calls.length
  }

  /** Records accepted and not yet written: also those of calls that were taken. */
  get recordCount(): number {
    return this.#recordCount
  }

  /** Bytes of these records with their lengths. */
  get bytes(): number {
    return this.#bytes
  }

  add(call: Call): void {
    this.#calls.push(call)
    this.#recordCount += call.recordCount
    this.#bytes += bytesOf(call)
  }

  /** How many calls at the head go into one group. */
  countFitting(room: Room): number {
    const { recordRoomBytes } = room
    const wantedBytes = Math.min(recordRoomBytes, this.#groupBytesMax)
    let recordCount = 0
    let payloadBytes = 0
    let count = 0
    for (const call of this.#calls) {
      recordCount += call.recordCount
      payloadBytes += call.payloadBytes
      const bytes = groupBytesOf(recordCount, payloadBytes)
      // The first call may exceed the usual group. Control groups may use the room that is kept for them.
      if (recordCount > 0 && bytes > (count === 0 ? recordRoomBytes : wantedBytes)) break
      if (recordCount === 0 && call.isControl && !room.hasControlRoom) break
      count++
    }
    return count
  }

  /** Takes calls from the head. They count as queued until {@link noteWritten}. */
  take(count: number): Call[] {
    if (count < this.#calls.length) return this.#calls.splice(0, count)
    const calls = this.#calls
    this.#calls = []
    return calls
  }

  /** Records of calls that were taken are written. */
  noteWritten(recordCount: number, payloadBytes: number): void {
    this.#leave(recordCount, payloadBytes + recordCount * LENGTH_BYTES)
  }

  /**
   * There is no next segment. Takes out what finds no room: all calls with records, and control groups if there is no
   * room even for one. Calls for a sync stay.
   */
  turnAway(room: Room): { readonly withRecords: readonly Call[]; readonly controls: readonly Call[] } {
    const withRecords: Call[] = []
    const controls: Call[] = []
    const rest: Call[] = []
    for (const call of this.#calls) {
      if (call.recordCount > 0) withRecords.push(call)
      else if (call.isControl && !room.hasControlRoom) controls.push(call)
      else rest.push(call)
    }
    this.#calls = rest
    for (const call of withRecords) this.#leave(call.recordCount, bytesOf(call))
    return { withRecords, controls }
  }

  /** Empties the queue, and forgets the calls that were taken. @returns the calls that were not taken */
  clear(): Call[] {
    this.#recordCount = 0
    this.#bytes = 0
    return this.take(this.#calls.length)
  }

  #leave(recordCount: number, bytes: number): void {
    this.#recordCount -= recordCount
    this.#bytes -= bytes
    invariant(this.#recordCount >= 0 && this.#bytes >= 0, 'no more leaves the queue than came in', {
      recordCount: this.#recordCount,
      bytes: this.#bytes,
    })
  }
}

function bytesOf(call: Call): number {
  return call.payloadBytes + call.recordCount * LENGTH_BYTES
}
