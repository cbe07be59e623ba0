import { crc32 } from 'node:zlib'
import {
  CorruptData,
  decodeStamp,
  encodeStamp,
  ID_BYTES_MAX,
  invariant,
  putU64,
  STAMP_BYTES,
  u64At,
  type LedgerEntry,
  type LedgerRow,
  type RetiredInstance,
} from '@se/core'

import { invariantOrder } from './byte-order.ts'

/**
 * The bytes of `sync_ledger.entries`; drawn in docs/formats/ledger-row.md.
 */
const FORMAT = 2
const HEADER_BYTES = 34
const CRC_BYTES = 4
const DIGEST_BYTES = 16
const ENTRY_BYTES_MAX = 2 + ID_BYTES_MAX + 2 * STAMP_BYTES + 2 * DIGEST_BYTES
const LINK_BYTES = 8
const RETIRED_BYTES = 4 + 8 + LINK_BYTES

const HAS_PREVIOUS_STAMP = 1
const HAS_DIGEST = 2
const HAS_PREVIOUS_DIGEST = 4

const KINDS = ['batch', 'correction', 'retirement'] as const

/** The number that stands for a row's kind, in its column and its bytes. */
export function kindNumber(kind: LedgerRow['kind']): number {
  return KINDS.indexOf(kind)
}

/** Most bytes of a row with so many entries. */
export function ledgerRowBytesMax(entryCount: number): number {
  return HEADER_BYTES + entryCount * ENTRY_BYTES_MAX + CRC_BYTES
}

/** @param row entries in byte order of their ids; a retirement has none, and retired instances instead */
export function encodeLedgerRow(row: LedgerRow): Buffer {
  const retired = row.retired ?? []
  invariant(
    (row.kind === 'retirement') === retired.length > 0 && (retired.length === 0 || row.entries.length === 0),
    'a retirement has retired instances, anything else has entries',
  )
  const numbers = [row.sequence, row.committedAtMs, ...retired.map(({ sequence }) => sequence)]
  invariant(
    numbers.every((number) => Number.isSafeInteger(number) && number >= 0),
    'sequences and times are safe integers from 0 on',
  )
  invariantOrder(row.entries, ({ id }) => id, 'a ledger row has its entries in byte order of their ids')
  const buffer = Buffer.allocUnsafe(ledgerRowBytesMax(row.entries.length) + retired.length * RETIRED_BYTES)
  buffer[0] = FORMAT
  buffer[1] = kindNumber(row.kind)
  buffer.writeUInt32BE(row.instance, 2)
  putU64(buffer, 6, row.sequence)
  putU64(buffer, 14, row.committedAtMs)
  writeLink(row.link, buffer, 22)
  buffer.writeUInt32BE(row.entries.length + retired.length, 30)
  let at = HEADER_BYTES
  for (const entry of row.entries) at = encodeEntry(entry, buffer, at)
  for (const { instance, sequence, link } of retired) {
    buffer.writeUInt32BE(instance, at)
    putU64(buffer, at + 4, sequence)
    writeLink(link, buffer, at + 12)
    at += RETIRED_BYTES
  }
  buffer.writeUInt32BE(crc32(buffer.subarray(0, at)), at)
  // The bound was for the worst case: give the memory back before the row waits for its answer.
  return Buffer.from(buffer.subarray(0, at + CRC_BYTES))
}

function encodeEntry(entry: LedgerEntry, buffer: Buffer, start: number): number {
  let at = start + 2
  const idBytes = buffer.write(entry.id, at, ID_BYTES_MAX + 1, 'utf8')
  invariant(idBytes >= 1 && idBytes <= ID_BYTES_MAX, 'a ledger entry has an id of 1 to 255 bytes', {
    idBytes,
  })
  at += idBytes
  encodeStamp(entry.stamp, buffer, at)
  at += STAMP_BYTES
  let flags = 0
  if (entry.previousStamp !== undefined) {
    flags |= HAS_PREVIOUS_STAMP
    encodeStamp(entry.previousStamp, buffer, at)
    at += STAMP_BYTES
  }
  if (entry.digest !== undefined) {
    flags |= HAS_DIGEST
    at = writeDigest(entry.digest, buffer, at)
  }
  if (entry.previousDigest !== undefined) {
    flags |= HAS_PREVIOUS_DIGEST
    at = writeDigest(entry.previousDigest, buffer, at)
  }
  buffer[start] = flags
  buffer[start + 1] = idBytes
  return at
}

/** The columns a row's bytes must agree with. */
export interface LedgerColumns {
  readonly instance: number
  readonly sequence: number
  readonly link: string
  readonly kind: number
  readonly committed_at: number
  readonly entries: Uint8Array
}

/**
 * The inverse of {@link encodeLedgerRow}.
 *
 * @throws CorruptData when the bytes have another form or checksum, or belong to another row
 */
export function decodeLedgerRow(columns: LedgerColumns): LedgerRow {
  const { entries: bytes } = columns
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const corrupt = (what: string) =>
    new CorruptData(`ledger row ${columns.instance}/${columns.sequence}: ${what}`, {
      details: { instance: columns.instance, sequence: columns.sequence, bytes: buffer.length },
    })
  if (buffer.length < HEADER_BYTES + CRC_BYTES)
    throw corrupt(`has ${buffer.length} bytes, fewer than its header`)
  if (buffer[0] !== FORMAT) throw corrupt(`has format ${buffer[0]}, known is ${FORMAT}`)
  const end = buffer.length - CRC_BYTES
  if (crc32(buffer.subarray(0, end)) !== buffer.readUInt32BE(end)) throw corrupt('checksum differs')
  const kind = KINDS[buffer[1]!]
  if (
    kind === undefined ||
    buffer[1] !== columns.kind ||
    buffer.readUInt32BE(2) !== columns.instance ||
    u64At(buffer, 6) !== columns.sequence ||
    readLink(buffer, 22) !== columns.link ||
    u64At(buffer, 14) !== columns.committed_at
  ) {
    throw corrupt('the header names another row than its columns')
  }
  const count = buffer.readUInt32BE(30)
  const body = buffer.subarray(HEADER_BYTES, end)
  const { instance, sequence, link, committed_at: committedAtMs } = columns
  const row = { instance, sequence, link, kind, committedAtMs }
  return kind === 'retirement'
    ? { ...row, entries: [], retired: decodeRetired(body, count, corrupt) }
    : { ...row, entries: decodeEntries(body, count, corrupt) }
}

type Corrupt = (what: string) => CorruptData

function decodeRetired(body: Buffer, count: number, corrupt: Corrupt): readonly RetiredInstance[] {
  if (count === 0 || body.length !== count * RETIRED_BYTES) {
    throw corrupt(`${count} retired instances are not ${body.length} bytes`)
  }
  return Array.from({ length: count }, (_, index) => {
    const at = index * RETIRED_BYTES
    return {
      instance: body.readUInt32BE(at),
      sequence: u64At(body, at + 4),
      link: readLink(body, at + 12),
    }
  })
}

function decodeEntries(body: Buffer, count: number, corrupt: Corrupt): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = []
  let at = 0
  for (let index = 0; index < count; index++) {
    const flags = body[at] ?? 0xff
    const idBytes = body[at + 1] ?? 0
    const entryBytes =
      2 +
      idBytes +
      STAMP_BYTES +
      (flags & HAS_PREVIOUS_STAMP ? STAMP_BYTES : 0) +
      (flags & HAS_DIGEST ? DIGEST_BYTES : 0) +
      (flags & HAS_PREVIOUS_DIGEST ? DIGEST_BYTES : 0)
    if (flags > 7 || idBytes === 0 || at + entryBytes > body.length) {
      throw corrupt(`entry ${index} does not add up`)
    }
    at += 2
    const id = body.toString('utf8', at, (at += idBytes))
    const stamp = decodeStamp(body, at)
    at += STAMP_BYTES
    let previousStamp: LedgerEntry['previousStamp']
    if (flags & HAS_PREVIOUS_STAMP) {
      previousStamp = decodeStamp(body, at)
      at += STAMP_BYTES
    }
    let digest: Uint8Array | undefined
    if (flags & HAS_DIGEST) digest = new Uint8Array(body.subarray(at, (at += DIGEST_BYTES)))
    let previousDigest: Uint8Array | undefined
    if (flags & HAS_PREVIOUS_DIGEST) {
      previousDigest = new Uint8Array(body.subarray(at, (at += DIGEST_BYTES)))
    }
    entries.push({ id, stamp, previousStamp, digest, previousDigest })
  }
  if (at !== body.length) throw corrupt(`${body.length - at} bytes are left over`)
  return entries
}

function writeDigest(digest: Uint8Array, buffer: Buffer, at: number): number {
  invariant(digest.length === DIGEST_BYTES, 'a digest has 16 bytes', { bytes: digest.length })
  buffer.set(digest, at)
  return at + DIGEST_BYTES
}

function writeLink(link: string, buffer: Buffer, at: number): void {
  const bytes = buffer.write(link, at, LINK_BYTES, 'hex')
  invariant(bytes === LINK_BYTES && link.length === 2 * LINK_BYTES, 'a link is 16 hex digits')
}

function readLink(buffer: Buffer, at: number): string {
  return buffer.toString('hex', at, at + LINK_BYTES)
}
