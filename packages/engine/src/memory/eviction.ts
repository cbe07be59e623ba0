import { invariant } from '@se/core'

/** What the eviction policy keeps in an entry. Owned by the policy, but for `wasAsked`. */
export interface EvictionNode<T> {
  /** Set by the tier on every hit: all that a hit costs. */
  wasAsked: boolean
  newer: T | undefined
  older: T | undefined
}

/**
 * Which clean entry goes next: SIEVE. Entries stand in the order in which they came; a hand walks from the
 * oldest to the newest, passes over what was asked for since it last came by (and forgets that), and takes the
 * first that was not. What is asked for once never pushes out what is asked for often, and a hit moves nothing.
 *
 * Source: Zhang et al., "SIEVE is Simpler than LRU: an Efficient Turn-Key Eviction Algorithm for Web Caches",
 * NSDI 2024.
 *
 * The whole policy is here, so that another one can take its place.
 */
export class EvictionQueue<T extends EvictionNode<T>> {
  #newest: T | undefined
  #oldest: T | undefined
  #hand: T | undefined

  /** Enters a node that is in no queue. */
  add(node: T): void {
    const isFree = node.newer === undefined && node.older === undefined && node !== this.#newest
    invariant(isFree, 'a node that is added is in no queue')
    node.wasAsked = false
    node.older = this.#newest
    if (this.#newest === undefined) this.#oldest = node
    else this.#newest.newer = node
    this.#newest = node
  }

  /** Removes a node that is in this queue. */
  remove(node: T): void {
    if (this.#hand === node) this.#hand = node.newer
    if (node.newer === undefined) this.#newest = node.older
    else node.newer.older = node.older
    if (node.older === undefined) this.#oldest = node.newer
    else node.older.newer = node.newer
    node.newer = undefined
    node.older = undefined
  }

  /**
   * Removes and gives the node that goes next; `undefined` when the queue is empty. At most two rounds, and
   * O(1) over time: each node that is passed over was asked for since the hand last came by.
   */
  evict(): T | undefined {
    let node = this.#hand ?? this.#oldest
    while (node?.wasAsked === true) {
      node.wasAsked = false
      node = node.newer ?? this.#oldest
    }
    if (node === undefined) return undefined
    this.#hand = node
    this.remove(node)
    return node
  }

  clear(): void {
    this.#newest = undefined
    this.#oldest = undefined
    this.#hand = undefined
  }
}
