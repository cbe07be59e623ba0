import { InvalidInput } from '@se/core'
import { recordTooLargeError, type RecordTooLarge } from './errors.ts'
import { groupBytesOf, usableBytesOf } from './format.ts'
import type { ParsedLimits } from './limits.ts'

/** The records of one call. */
export type Records = Uint8Array | readonly Uint8Array[]

/** One call that waits to be written. One without records asks for a sync, or for a control group. */
export interface Call {
  readonly records: Records
  readonly recordCount: number
  readonly payloadBytes: number
  readonly isDurable: boolean
  /** Writes a group though it has no records: to make a release durable. */
  readonly isControl: boolean
  /** Passes the bounds, and is refused instead of waiting. */
  readonly isUrgent: boolean
  readonly resolve: (sequence: number) => void
  readonly reject: (error: unknown) => void
}

/** Bytes of the payloads. @throws InvalidInput if they are no records, or none */
export function payloadBytesOf(records: Records): number {
  if (records instanceof Uint8Array) return records.length
  if (!Array.isArray(records) || records.length === 0) throw notRecords()
  let payloadBytes = 0
  for (const record of records as readonly unknown[]) {
    if (!(record instanceof Uint8Array)) throw notRecords()
    payloadBytes += record.length
  }
  return payloadBytes
}

/** @returns why the records of one call can never be written; undefined if they can */
export function whyTooLarge(
  recordCount: number,
  payloadBytes: number,
  limits: ParsedLimits,
): RecordTooLarge | undefined {
  const isWithin =
    recordCount <= limits.recordsMax &&
    groupBytesOf(recordCount, payloadBytes) <= usableBytesOf(limits.segmentBytes)
  return isWithin ? undefined : recordTooLargeError(recordCount, payloadBytes, limits)
}

function notRecords(): InvalidInput {
  return new InvalidInput('records', 'must be a Uint8Array or a non-empty array of them')
}
