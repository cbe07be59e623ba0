import { InvalidInput } from '@se/core'
import { hashId, type HashWords } from '@se/core/hash'

/**
 * Hash of a key. Writes at least the words 0 and 1 of `out`, the upper and lower half of a 64-bit hash.
 * Must give the same for the same key for ever: a snapshot is refused when it does not (see `hashProbe`).
 */
export type HashKey = (key: string, out: HashWords) => unknown

/** Text whose hash a snapshot carries, so that it is not read back with another function. */
const PROBE = '@se/cuckoo'

/** A hash function and the words it writes to, reused from call to call. */
export class KeyHash {
  /** Words of the key hashed last. */
  readonly words: HashWords = new Uint32Array(4)
  readonly #hash: HashKey

  constructor(hash: HashKey = hashId) {
    this.#hash = hash
  }

  /** Hashes a key into {@link words}. */
  of(key: string): HashWords {
    if (typeof key !== 'string') throw new InvalidInput('key', `must be a string, not ${typeof key}`)
    this.#hash(key, this.words)
    return this.words
  }

  /** u64 hash of a fixed text. */
  probe(): bigint {
    const words = this.of(PROBE)
    return (BigInt(words[0]!) << 32n) | BigInt(words[1]!)
  }
}
