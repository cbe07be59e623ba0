import { seededRandom } from '@se/core/testing'
import { LRUCache } from 'lru-cache'
import { describe, expect, it } from 'vitest'
import { EvictionQueue, type EvictionNode } from './eviction.ts'

interface Node extends EvictionNode<Node> {
  readonly name: string
}

const node = (name: string): Node => ({ name, wasAsked: false, newer: undefined, older: undefined })

function filled(names: string): { queue: EvictionQueue<Node>; nodes: Map<string, Node> } {
  const queue = new EvictionQueue<Node>()
  const nodes = new Map([...names].map((name) => [name, node(name)]))
  for (const each of nodes.values()) queue.add(each)
  return { queue, nodes }
}

function drain(queue: EvictionQueue<Node>): string {
  let order = ''
  for (let next = queue.evict(); next !== undefined; next = queue.evict()) order += next.name
  return order
}

describe('EvictionQueue', () => {
  it('takes what nobody asked for in the order in which it came', () => {
    expect(drain(filled('abcde').queue)).toBe('abcde')
  })

  it('passes over what was asked for once, and takes it the next time', () => {
    const { queue, nodes } = filled('abcde')
    nodes.get('a')!.wasAsked = true
    nodes.get('c')!.wasAsked = true
    expect(drain(queue)).toBe('bdeac')
  })

  it('ends, when all were asked for', () => {
    const { queue, nodes } = filled('abc')
    for (const each of nodes.values()) each.wasAsked = true
    expect(queue.evict()?.name).toBe('a')
  })

  it('goes on from where the hand stands, so a newcomer does not outlive what is asked for', () => {
    const { queue, nodes } = filled('abc')
    nodes.get('a')!.wasAsked = true
    expect(queue.evict()?.name).toBe('b')
    queue.add(node('d'))
    nodes.get('a')!.wasAsked = true
    expect(drain(queue)).toBe('cda')
  })

  it('lets go of the node under the hand, of the oldest and of the newest', () => {
    const { queue, nodes } = filled('abcdef')
    nodes.get('a')!.wasAsked = true
    expect(queue.evict()?.name).toBe('b')
    queue.remove(nodes.get('c')!)
    queue.remove(nodes.get('a')!)
    queue.remove(nodes.get('f')!)
    expect(drain(queue)).toBe('de')
    expect(queue.evict()).toBeUndefined()
    queue.add(nodes.get('a')!)
    expect(drain(queue)).toBe('a')
  })

  it('keeps more hits than LRU where some ids are asked for far more often than others', () => {
    const seed = Number(process.env.SE_SEED ?? 41)
    const random = seededRandom(seed)
    // Zipf 0.99 over 100,000 ids, a cache of 1 %.
    const weights = Float64Array.from({ length: 100_000 }, (_, rank) => (rank + 1) ** -0.99)
    for (let rank = 1; rank < weights.length; rank++) weights[rank]! += weights[rank - 1]!
    const draw = () => {
      const target = random.fraction() * weights.at(-1)!
      let low = 0
      for (let high = weights.length - 1; low < high;) {
        const middle = (low + high) >> 1
        if (weights[middle]! < target) low = middle + 1
        else high = middle
      }
      return low
    }
    const capacity = 1_000
    const queue = new EvictionQueue<Node>()
    const resident = new Map<string, Node>()
    const lru = new LRUCache<string, true>({ max: capacity })
    let hits = 0
    let lruHits = 0
    for (let asked = 0; asked < 300_000; asked++) {
      const name = String(draw())
      if (lru.get(name)) lruHits += 1
      else lru.set(name, true)
      const entry = resident.get(name)
      if (entry !== undefined) {
        hits += 1
        entry.wasAsked = true
        continue
      }
      const fresh = node(name)
      resident.set(name, fresh)
      queue.add(fresh)
      if (resident.size > capacity) resident.delete(queue.evict()!.name)
    }
    const ratio = hits / lruHits
    console.info(`seed ${seed}: ${hits} hits against ${lruHits} of LRU, ratio ${ratio.toFixed(3)}`)
    expect(ratio).toBeGreaterThan(1.1)
  })
})
