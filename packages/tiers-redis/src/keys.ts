/**
 * Every key and field this package has in Redis, and nothing else makes one. Drawn in docs/formats/redis.md.
 *
 *   <prefix><birth>:{tt}m         meta of stripe tt, a hash
 *   <prefix><birth>:{tt}s         stand of stripe tt: epoch and a digest of the cut in its meta, a string
 *   <prefix><birth>:{tt}i:<id>    entry of an item, a string
 *   <prefix><birth>:{tt}c:<id>    reserved for items that live in the cache alone
 *
 * `birth` is the beginning of the archive's birth id: two archives never have a key in common. `tt` is the stripe in two
 * decimal digits, and the hash tag of Redis Cluster: a stripe lies in one slot, so that one script can change it whole.
 */
import { invariant, InvalidConfig } from '@se/core'
import { BUCKET_COUNT, stripeOfId, STRIPE_COUNT } from '@se/core/hash'

/** Longest prefix, bytes. */
export const PREFIX_BYTES_MAX = 64
export const PREFIX_DEFAULT = 'se:'

/** Hex digits of the birth id in a key. */
const BIRTH_DIGITS = 8

/** Fields of a meta that are not of a leaf; those of a leaf have seven bytes. */
export const META_FIELDS = ['epoch', 'cut', 'revision', 'bytesMax'] as const
/** Bytes of the name of a leaf's field. */
export const LEAF_FIELD_BYTES = 7

export interface CacheKeys {
  /** Key of an item's entry. */
  item(id: string): string
  /** The same, where the stripe is known. */
  itemIn(stripe: number, id: string): string
  /** @param stripe 0 … 63 */
  meta(stripe: number): string
  stand(stripe: number): string
}

/**
 * @param prefix printable ASCII without braces, which would become the hash tag; 0 to 64 bytes
 * @throws InvalidConfig naming the limit
 */
export function checkPrefix(prefix: string): void {
  if (typeof prefix !== 'string' || !/^[\x21-\x7e]*$/.test(prefix)) {
    throw new InvalidConfig('prefix', 'must be printable ASCII without spaces')
  }
  if (/[{}]/.test(prefix)) {
    throw new InvalidConfig('prefix', 'must not contain braces: they mark the slot of a key in Redis Cluster')
  }
  if (prefix.length > PREFIX_BYTES_MAX) {
    throw new InvalidConfig('prefix', `has ${prefix.length} bytes, the limit is ${PREFIX_BYTES_MAX}`, {
      limit: PREFIX_BYTES_MAX,
      actual: prefix.length,
    })
  }
}

/**
 * @param prefix checked, see {@link checkPrefix}
 * @param birthId of the archive, 32 hex digits
 */
export function createCacheKeys(prefix: string, birthId: string): CacheKeys {
  invariant(/^[0-9a-f]{32}$/.test(birthId), 'a birth id has 32 hex digits', { length: birthId.length })
  const tags = Array.from(
    { length: STRIPE_COUNT },
    (_, stripe) => `${prefix}${birthId.slice(0, BIRTH_DIGITS)}:{${String(stripe).padStart(2, '0')}}`,
  )
  const itemTags = tags.map((tag) => `${tag}i:`)
  const stands = tags.map((tag) => `${tag}s`)
  return {
    item: (id) => itemTags[stripeOfId(id)]! + id,
    itemIn: (stripe, id) => itemTags[stripe]! + id,
    meta: (stripe) => `${tags[stripe]!}m`,
    stand: (stripe) => stands[stripe]!,
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A leaf as one number: `branch * 65536 + bucket`. */
export function leafNumber(branch: number, bucket: number): number {
  return branch * BUCKET_COUNT + bucket
}

/** Name of a leaf in field names: branch and bucket in six hexadecimal digits. */
export function leafName(leaf: number): string {
  return HEX[leaf >>> 16]! + HEX[(leaf >>> 8) & 0xff]! + HEX[leaf & 0xff]!
}

/** Field of a leaf's token; absent: none was ever set. */
export function tokenField(leaf: number): string {
  return `t${leafName(leaf)}`
}

/** Field of a leaf's epoch; absent: the stripe's epoch is in force. */
export function epochField(leaf: number): string {
  return `e${leafName(leaf)}`
}

/** Field of a leaf's sums; absent: the leaf is empty. */
export function sumsField(leaf: number): string {
  return `s${leafName(leaf)}`
}

/** The leaf of a token's, epoch's or sums' field. */
export function leafOfField(field: Buffer): number {
  return Number.parseInt(field.toString('latin1', 1), 16)
}
