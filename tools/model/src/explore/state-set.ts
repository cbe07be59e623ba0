import type { State } from './layout.ts'

/** States of one chunk: a power of two. */
const CHUNK_STATES = 1 << 14
const FIRST_SLOTS = 1 << 12

/**
 * All states met so far, each with a number, counted from 0 in the order in which they came.
 *
 * It is exact: the table holds hashes, but two states are equal only if all their bytes are.
 */
export class StateSet {
  readonly #words: number
  readonly #chunks: Uint32Array[] = []
  /** Open addressing: number of the state + 1; 0 is an empty slot. */
  #slots = new Int32Array(FIRST_SLOTS)
  #hashes = new Int32Array(FIRST_SLOTS)
  readonly #probe: Uint32Array<ArrayBuffer>
  readonly #probeBytes: Uint8Array<ArrayBuffer>
  #count = 0

  readonly #hashOf: (words: Uint32Array) => number

  /**
   * @param byteCount of each state
   * @param hash of a state; a bad one makes the set slow, never wrong
   */
  constructor(byteCount: number, hash = hashOf) {
    this.#hashOf = hash
    this.#words = Math.ceil(byteCount / 4)
    this.#probe = new Uint32Array(this.#words)
    this.#probeBytes = new Uint8Array(this.#probe.buffer, 0, byteCount)
  }

  get size(): number {
    return this.#count
  }

  /** @returns its number, also where it had been there; compare it with the size before */
  add(state: State): number {
    this.#probeBytes.set(state)
    const hash = this.#hashOf(this.#probe)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#hashes[slot] === hash && this.#isAt(this.#slots[slot]! - 1)) return this.#slots[slot]! - 1
    }
    const index = this.#count++
    this.#slots[slot] = index + 1
    this.#hashes[slot] = hash
    this.#store(index)
    if (this.#count * 2 > this.#slots.length) this.#grow()
    return index
  }

  /** Copies a state out. @param into has the length of a state */
  read(index: number, into: State): void {
    const start = (index % CHUNK_STATES) * this.#words * 4
    const chunk = this.#chunks[Math.floor(index / CHUNK_STATES)]!
    into.set(new Uint8Array(chunk.buffer, start, into.length))
  }

  #isAt(index: number): boolean {
    const chunk = this.#chunks[Math.floor(index / CHUNK_STATES)]!
    const start = (index % CHUNK_STATES) * this.#words
    for (let word = 0; word < this.#words; word++) {
      if (chunk[start + word] !== this.#probe[word]) return false
    }
    return true
  }

  #store(index: number): void {
    if (index % CHUNK_STATES === 0) this.#chunks.push(new Uint32Array(CHUNK_STATES * this.#words))
    this.#chunks.at(-1)!.set(this.#probe, (index % CHUNK_STATES) * this.#words)
  }

  #grow(): void {
    const { length } = this.#slots
    const slots = new Int32Array(length * 2)
    const hashes = new Int32Array(length * 2)
    const mask = slots.length - 1
    for (let from = 0; from < length; from++) {
      if (this.#slots[from] === 0) continue
      let to = this.#hashes[from]! & mask
      while (slots[to] !== 0) to = (to + 1) & mask
      slots[to] = this.#slots[from]!
      hashes[to] = this.#hashes[from]!
    }
    this.#slots = slots
    this.#hashes = hashes
  }
}

/** Mixes all words; the final steps spread the lower bits, of which the table takes its slot. */
function hashOf(words: Uint32Array): number {
  let hash = 0x9e3779b9
  for (let word = 0; word < words.length; word++) {
    hash = Math.imul(hash ^ words[word]!, 0x85ebca6b)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
