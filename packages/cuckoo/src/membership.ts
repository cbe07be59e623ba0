/**
 * Count and sum of the hashes in a filter: what proves, beside a digest tree, that both hold the same keys.
 *
 * The sum is that of the 64-bit hashes modulo 2^64, kept as two 32-bit lanes: no bigint in the hot path.
 */
export class Membership {
  #count: number
  #high: number
  #low: number

  /** @param sum u64 */
  constructor(count = 0, sum = 0n) {
    this.#count = count
    this.#high = Number(sum >> 32n) | 0
    this.#low = Number(sum & 0xffff_ffffn) | 0
  }

  get count(): number {
    return this.#count
  }

  /** u64. */
  get sum(): bigint {
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)
  }

  /** @param h1 the upper word of the hash; @param h2 the lower */
  add(h1: number, h2: number): void {
    const low = (this.#low + h2) | 0
    const carry = low >>> 0 < h2 >>> 0 ? 1 : 0
    this.#low = low
    this.#high = (this.#high + h1 + carry) | 0
    this.#count++
  }

  subtract(h1: number, h2: number): void {
    const borrow = this.#low >>> 0 < h2 >>> 0 ? 1 : 0
    this.#low = (this.#low - h2) | 0
    this.#high = (this.#high - h1 - borrow) | 0
    this.#count--
  }
}
