import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { CorruptData, formatStamp, parseStamp, StorageError, type ItemWrite, type Stamp } from '@se/core'
import type { ParkCause } from '../observer/events.ts'

/** A parked write without its value, for lists and people. */
export interface ParkedItem {
  readonly id: string
  readonly stamp: Stamp
  readonly state: string
  readonly contentType: string
  /** `undefined`: a delete. */
  readonly valueBytes: number | undefined
  readonly because: ParkCause
  /** What the archive said, shortened, without credentials. */
  readonly error: string
  readonly parkedAtMs: number
}

/** One line of the parking file; drawn in docs/formats/parked.md. */
export type ParkedLine =
  | { readonly kind: 'park'; readonly number: number; readonly item: ParkedItem; readonly write: ItemWrite }
  /** The item of line `number` is not parked any more. */
  | {
      readonly kind: 'close'
      readonly number: number
      readonly how: 'retried' | 'dropped'
      readonly atMs: number
    }

const LINE = /^\{"crc32":"([0-9a-f]{8})","entry":(.*)\}$/s
const CAUSES: Readonly<Record<ParkCause, true>> = {
  'refused-data': true,
  'always-fails': true,
  'below-collection-floor': true,
  'stamp-ahead-of-archive': true,
}

/** The line as bytes, its newline included. */
export function encodeParkedLine(line: ParkedLine): Uint8Array {
  const entry = JSON.stringify(line.kind === 'close' ? line : parkFields(line))
  return Buffer.from(`{"crc32":"${checksum(entry)}","entry":${entry}}\n`)
}

/**
 * The inverse of {@link encodeParkedLine}.
 *
 * @param text a line without its newline
 * @throws CorruptData when it is not whole
 */
export function decodeParkedLine(text: string): ParkedLine {
  const [, crc, entry] = LINE.exec(text) ?? []
  if (crc === undefined || entry === undefined) throw new CorruptData('parked line: not of its form')
  if (checksum(entry) !== crc) throw new CorruptData('parked line: checksum differs')
  let fields: unknown
  try {
    fields = JSON.parse(entry)
  } catch (cause) {
    throw new CorruptData('parked line: not JSON', { cause })
  }
  const line = lineOf(fields as Partial<Record<string, unknown>>)
  if (line === undefined) throw new CorruptData('parked line: fields of another form')
  return line
}

function parkFields({ number, item, write }: ParkedLine & { kind: 'park' }) {
  return {
    kind: 'park',
    number,
    id: write.id,
    stamp: formatStamp(write.stamp),
    state: write.state,
    contentType: write.contentType,
    value: write.bytes === undefined ? null : Buffer.from(write.bytes).toString('base64'),
    because: item.because,
    error: item.error,
    parkedAtMs: item.parkedAtMs,
  }
}

function lineOf(fields: Partial<Record<string, unknown>>): ParkedLine | undefined {
  const {
    kind,
    number,
    id,
    stamp: stampText,
    state,
    contentType,
    value,
    because,
    error,
    parkedAtMs,
    how,
    atMs,
  } = fields
  if (!Number.isSafeInteger(number)) return undefined
  if (kind === 'close') {
    if ((how !== 'retried' && how !== 'dropped') || typeof atMs !== 'number') return undefined
    return { kind, number: number as number, how, atMs }
  }
  if (kind !== 'park') return undefined
  for (const text of [id, stampText, state, contentType, because, error])
    if (typeof text !== 'string') return undefined
  if (!Object.hasOwn(CAUSES, because as string) || typeof parkedAtMs !== 'number') return undefined
  if (value !== null && typeof value !== 'string') return undefined
  const stamp = parseStamp(stampText as string)
  const bytes = value === null ? undefined : new Uint8Array(Buffer.from(value, 'base64'))
  const write = { id, stamp, state, contentType, bytes } as ItemWrite
  const item = parkedItemOf(write, because as ParkCause, error as string, parkedAtMs)
  return { kind, number: number as number, item, write }
}

/** What a list says of a write. */
export function parkedItemOf(
  write: ItemWrite,
  because: ParkCause,
  error: string,
  parkedAtMs: number,
): ParkedItem {
  const { id, stamp, state, contentType, bytes } = write
  return { id, stamp, state, contentType, valueBytes: bytes?.length, because, error, parkedAtMs }
}

const ERROR_LENGTH_MAX = 300

/** An error as text that may be kept: its code and message, shortened, without what looks like credentials [P49]. */
export function describeError(error: unknown): string {
  const code = error instanceof StorageError ? `${error.code}: ` : ''
  const message = error instanceof Error ? error.message : String(error)
  return `${code}${message}`
    .replace(/\/\/[^\s/@]*@/g, '//***@')
    .replace(/(pass(?:word|wd)?|pwd|secret|token)(["']?\s*[=:]\s*)\S+/gi, '$1$2***')
    .slice(0, ERROR_LENGTH_MAX)
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
