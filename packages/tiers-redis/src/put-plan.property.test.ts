import { createBranchSet, type CachePut } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import { stripeOfId } from '@se/core/hash'
import { seed } from '@se/testkit'
import { describe, expect, it } from 'vitest'
import { createCacheKeys } from './keys.ts'
import { planPuts, uniqueRounds } from './put-plan.ts'
import { CALL_ITEMS_MAX } from './scripts.ts'

const keys = createCacheKeys('p:', '01234567'.repeat(4))
const branches = createBranchSet(['user.'])

function randomPuts(random: SeededRandom): CachePut[] {
  const epochs = ['00000000000000aa', '00000000000000bb']
  const ids = new Set<string>()
  const count = random.pick([1, 10, 130, 1_000, 3_000])
  // Ids that all lie in one stripe: hashing makes it unlikely, an adversary likely.
  const isCrowded = random.chance(0.3)
  while (ids.size < count) {
    const id = `user.${random.below(1_000_000)}`
    if (!isCrowded || stripeOfId(id) === 5 || count > 200) ids.add(id)
  }
  return [...ids].map((id) => ({
    write: {
      id,
      stamp: { time: 1, instance: 1 },
      state: 'default',
      contentType: 'application/json',
      bytes: random.chance(0.1)
        ? undefined
        : new Uint8Array(random.below(random.chance(0.01) ? 600_000 : 300)),
    },
    version: 1,
    createdAtMs: 1,
    permit: random.chance(0.2) ? undefined : { id, epoch: random.pick(epochs), token: '0'.repeat(16) },
    kind: random.chance(0.5) ? 'write' : 'fill',
  }))
}

/** Goal: calls hold every put once, and keep to what a script and a slot can take. Method: random batches. */
describe('put plan', () => {
  it.each([true, false])('holds every put once, within the limits of a call (spans stripes: %s)', (spans) => {
    const random = seededRandom(seed('put plan'))
    for (let round = 0; round < 40; round++) {
      const puts = randomPuts(random)
      const calls = planPuts(puts, branches, keys, spans)
      const positions = calls.flatMap((call) => call.positions)
      expect(positions.toSorted((a, b) => a - b)).toEqual(puts.map((_, index) => index))
      for (const call of calls) {
        const items = call.keys.slice(call.groupCount)
        expect(items).toEqual(call.positions.map((position) => keys.item(puts[position]!.write.id)))
        expect(items.length).toBeLessThanOrEqual(CALL_ITEMS_MAX)
        if (items.length > 1) expect(call.blob.length).toBeLessThan(2 * 1024 * 1024)
        const tags = new Set(call.keys.map((key) => key.slice(0, key.indexOf('}'))))
        expect([...call.positionsByStripe.values()].flat().toSorted()).toEqual(call.positions.toSorted())
        if (!spans) expect(tags.size).toBe(1)
        expect(call.groupCount).toBeGreaterThanOrEqual(tags.size)
      }
    }
  })

  it('splits ids that repeat into rounds, in order', () => {
    const put = (id: string) => ({ write: { id } }) as CachePut
    expect(uniqueRounds(['a', 'b', 'a', 'c', 'a', 'b'].map(put))).toEqual([[0, 1, 3], [2, 5], [4]])
  })
})
