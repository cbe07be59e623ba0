import {
  encodeStamp,
  stampMs,
  STAMP_BYTES,
  type BranchSet,
  type CachePut,
  type CachePutOutcome,
} from '@se/core'
import { bucketOf, hashId, stripeOfBucket, STRIPE_COUNT } from '@se/core/hash'
import { encodeEntry, encodeTexts, entryBytes, ENTRY_FIXED_BYTES } from './entry.ts'
import { leafNumber, LEAF_FIELD_BYTES, tokenField, type CacheKeys } from './keys.ts'
import { ENTRY_BYTES_UNTOLD } from './meta.ts'
import { CALL_ITEMS_MAX } from './scripts.ts'

/**
 * Items in one call where calls may span stripes. So small that Redis works on the first call while the next
 * is encoded: 1,000 items of 100 B took 2.7 ms in eight calls, 3.2 ms in one, 4.2 ms in one a stripe.
 */
const SPANNING_CALL_ITEMS = 125
/** A call that has this many bytes is closed. A value above it has a call of its own. */
export const CALL_BYTES_MAX = 1024 * 1024
/** Entries above this mean length are compared by their header alone, which costs a command each. */
const READ_WHOLE_BYTES_MAX = 512

const GROUP_HEADER_BYTES = 4 + 4 + 8 + 1
const TOKEN_BYTES = 16
const ITEM_HEADER_BYTES = LEAF_FIELD_BYTES + TOKEN_BYTES + STAMP_BYTES + 4
const NO_EPOCH = new Uint8Array(8)

/** Arguments of one `sePut`, and whose outcomes it will answer. */
export interface PutCall {
  readonly keys: string[]
  readonly groupCount: number
  readonly reading: 'whole' | 'header'
  readonly blob: Buffer
  /** Indexes into the puts, in order of the answer. */
  readonly positions: readonly number[]
  /** The same by stripe. */
  readonly positionsByStripe: ReadonlyMap<number, readonly number[]>
}

/** Puts of one stripe whose permits have one epoch: judged together. */
interface Group {
  readonly stripe: number
  readonly kind: CachePut['kind']
  readonly epoch: string | undefined
  readonly positions: number[]
  bytes: number
}

/**
 * Cuts puts into calls.
 *
 * @param puts ids are unique
 * @param spansStripes false on Cluster, where a call has the keys of one slot
 * @param callBytesMax a call that would have more is closed
 */
export function planPuts(
  puts: readonly CachePut[],
  branches: BranchSet,
  keys: CacheKeys,
  spansStripes: boolean,
  callBytesMax = CALL_BYTES_MAX,
): PutCall[] {
  const hashes = new Uint32Array(puts.length)
  const itemsMax = spansStripes ? SPANNING_CALL_ITEMS : CALL_ITEMS_MAX
  const groups = groupPuts(puts, hashes, itemsMax, callBytesMax)
  const encoder = new CallEncoder(puts, hashes, branches, keys)
  const calls: PutCall[] = []
  let open: Group[] = []
  let openItems = 0
  let openBytes = 0
  for (const group of groups) {
    const isFull =
      openItems + group.positions.length > SPANNING_CALL_ITEMS || openBytes + group.bytes > callBytesMax
    if (open.length > 0 && (!spansStripes || isFull)) {
      calls.push(encoder.encode(open))
      open = []
      openItems = 0
      openBytes = 0
    }
    open.push(group)
    openItems += group.positions.length
    openBytes += group.bytes
  }
  if (open.length > 0) calls.push(encoder.encode(open))
  return calls
}

/** By stripe, then by epoch and kind of the permits; groups that grow too big are begun anew. */
function groupPuts(
  puts: readonly CachePut[],
  hashes: Uint32Array,
  itemsMax: number,
  callBytesMax: number,
): Group[] {
  const byStripe: Group[][] = Array.from({ length: STRIPE_COUNT }, () => [])
  const hash = new Uint32Array(4)
  for (let index = 0; index < puts.length; index++) {
    const put = puts[index]!
    const stripe = stripeOfBucket(bucketOf(hashId(put.write.id, hash)))
    hashes[index] = hash[0]!
    const groups = byStripe[stripe]!
    const epoch = put.permit?.epoch
    const bytes = ITEM_HEADER_BYTES + ENTRY_FIXED_BYTES + (put.write.bytes?.length ?? 0)
    let group = groups.find(
      (one) =>
        one.epoch === epoch &&
        one.kind === put.kind &&
        one.positions.length < itemsMax &&
        one.bytes + bytes <= callBytesMax,
    )
    if (group === undefined) {
      group = { stripe, kind: put.kind, epoch, positions: [], bytes: 0 }
      groups.push(group)
    }
    group.positions.push(index)
    group.bytes += bytes
  }
  return byStripe.flat()
}

class CallEncoder {
  readonly #puts: readonly CachePut[]
  /** By put: first word of the id's hash. */
  readonly #hashes: Uint32Array
  readonly #branches: BranchSet
  readonly #keys: CacheKeys

  constructor(puts: readonly CachePut[], hashes: Uint32Array, branches: BranchSet, keys: CacheKeys) {
    this.#puts = puts
    this.#hashes = hashes
    this.#branches = branches
    this.#keys = keys
  }

  encode(groups: readonly Group[]): PutCall {
    const positions = groups.flatMap((group) => group.positions)
    const keys = groups.map((group) => this.#keys.meta(group.stripe))
    let length = groups.length * GROUP_HEADER_BYTES
    for (const position of positions) length += ITEM_HEADER_BYTES + this.#entryBytes(this.#puts[position]!)
    const blob = Buffer.allocUnsafe(length)
    let at = 0
    for (const group of groups) {
      const epoch = group.epoch === undefined ? NO_EPOCH : Buffer.from(group.epoch, 'hex')
      at = blob.writeUInt32BE(group.positions.length, at)
      at = blob.writeUInt32BE(this.#largestToTell(group), at)
      blob.set(epoch, at)
      blob[at + 8] = group.kind.charCodeAt(0)
      at += 9
      for (const position of group.positions) {
        keys.push(this.#keys.itemIn(group.stripe, this.#puts[position]!.write.id))
        at = this.#encodeItem(position, epoch, blob, at)
      }
    }
    return {
      keys,
      groupCount: groups.length,
      reading: length <= positions.length * READ_WHOLE_BYTES_MAX ? 'whole' : 'header',
      blob,
      positions,
      positionsByStripe: byStripe(groups),
    }
  }

  /** Readers cut their calls by it; up to some size they need not know. */
  #largestToTell(group: Group): number {
    let largest = 0
    for (const position of group.positions)
      largest = Math.max(largest, this.#entryBytes(this.#puts[position]!))
    return largest > ENTRY_BYTES_UNTOLD ? largest : 0
  }

  #entryBytes({ write: { bytes, contentType, state } }: CachePut): number {
    return bytes === undefined ? 0 : entryBytes({ bytes, texts: encodeTexts(contentType, state) })
  }

  #encodeItem(position: number, epoch: Uint8Array, blob: Buffer, at: number): number {
    const put = this.#puts[position]!
    const { id, stamp, bytes, contentType, state } = put.write
    const idHash = this.#hashes[position]!
    const leaf = leafNumber(this.#branches.branchOf(id), idHash >>> 16)
    at += blob.write(tokenField(leaf), at, 'latin1')
    encodeStamp(stamp, blob, at)
    at = blob.writeUInt32BE(this.#entryBytes(put), at + STAMP_BYTES)
    if (bytes !== undefined) {
      const { version, createdAtMs } = put
      const texts = encodeTexts(contentType, state)
      const updatedAtMs = stampMs(stamp)
      const fields = { stamp, version, createdAtMs, updatedAtMs, texts, bytes }
      at = encodeEntry(fields, epoch, idHash, blob, at)
    }
    if (put.permit === undefined) blob.fill(0, at, at + TOKEN_BYTES)
    else blob.write(put.permit.token, at, TOKEN_BYTES, 'latin1')
    return at + TOKEN_BYTES
  }
}

function byStripe(groups: readonly Group[]): Map<number, number[]> {
  const positions = new Map<number, number[]>()
  for (const group of groups) {
    const known = positions.get(group.stripe)
    // A copy: the group keeps what is its own.
    if (known === undefined) positions.set(group.stripe, [...group.positions])
    else known.push(...group.positions)
  }
  return positions
}

const OUTCOMES: Readonly<Record<string, CachePutOutcome>> = {
  s: 'stored',
  r: 'removed',
  k: 'skipped',
  u: 'unknown',
}

/** The outcome behind a letter of the script's answer. */
export function decodeOutcome(letter: number): CachePutOutcome {
  return OUTCOMES[String.fromCharCode(letter)] ?? 'unknown'
}

/**
 * Splits puts whose ids repeat into rounds in which they do not: a script reads what is there once.
 * Nearly always one round.
 *
 * @returns indexes into the puts
 */
export function uniqueRounds(puts: readonly CachePut[]): number[][] {
  const rounds: number[][] = []
  const seen = new Map<string, number>()
  puts.forEach((put, index) => {
    const round = seen.get(put.write.id) ?? 0
    seen.set(put.write.id, round + 1)
    const list = rounds[round]
    if (list === undefined) rounds.push([index])
    else list.push(index)
  })
  return rounds
}
