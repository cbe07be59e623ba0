/**
 * Every key and field this package has in Redis, and nothing else makes one. Drawn in docs/formats/redis.md.
 *
 *   <prefix>{tt}m         meta of stripe tt, a hash
 *   <prefix>{tt}i:<id>    entry of an item, a string
 *   <prefix>{tt}c:<id>    reserved for items that live in the cache alone
 *
 * `tt` is the stripe in two decimal digits, and the hash tag of Redis Cluster: a stripe lies in one slot, so
 * that one script can change it whole.
 */
import { InvalidConfig } from '@se/core'
import { stripeOfId, STRIPE_COUNT } from '@se/core/hash'

/** Longest prefix, bytes. */
export const PREFIX_BYTES_MAX = 64
export const PREFIX_DEFAULT = 'se:'

/** Fields of a meta that are not of a leaf; those of a leaf have seven bytes. */
export const META_FIELDS = ['epoch', 'cut', 'revision'] as const
/** Bytes of the name of a leaf, and of a field of a leaf. */
export const LEAF_NAME_BYTES = 6
export const LEAF_FIELD_BYTES = 7

export interface CacheKeys {
  readonly prefix: string
  /** Key of an item's entry. */
  item(id: string): string
  /** The same, where the stripe is known. */
  itemIn(stripe: number, id: string): string
  /** @param stripe 0 … 63 */
  meta(stripe: number): string
}

/**
 * @param prefix printable ASCII without braces, which would become the hash tag; 0 to 64 bytes
 * @throws InvalidConfig naming the limit
 */
export function createCacheKeys(prefix: string): CacheKeys {
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
  const tags = Array.from(
    { length: STRIPE_COUNT },
    (_, stripe) => `${prefix}{${String(stripe).padStart(2, '0')}}`,
  )
  const itemTags = tags.map((tag) => `${tag}i:`)
  return {
    prefix,
    item: (id) => itemTags[stripeOfId(id)]! + id,
    itemIn: (stripe, id) => itemTags[stripe]! + id,
    meta: (stripe) => `${tags[stripe]!}m`,
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Name of a leaf in field names: branch and bucket in six hexadecimal digits. */
export function leafName(branch: number, bucket: number): string {
  return HEX[branch]! + HEX[bucket >>> 8]! + HEX[bucket & 0xff]!
}

/** Field of a leaf's token; absent: none was ever set. */
export function tokenField(branch: number, bucket: number): string {
  return `t${leafName(branch, bucket)}`
}

/** Field of a leaf's epoch; absent: the stripe's epoch is in force. */
export function epochField(branch: number, bucket: number): string {
  return `e${leafName(branch, bucket)}`
}

/** Field of a leaf's sums; absent: the leaf is empty. */
export function sumsField(branch: number, bucket: number): string {
  return `s${leafName(branch, bucket)}`
}
