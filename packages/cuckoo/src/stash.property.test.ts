/** Goal: the stash is a multiset of pairs, and takes each entry out in its turn. Method: random calls, beside a list of pairs. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Stash } from './stash.ts'

const BASE_BITS = 22
const TAG_MAX = 2 ** 31 - 1
// Few of each, so that pairs meet; the largest, so that a pair that is joined wrongly shows.
const tag = fc.constantFrom(1, 2, TAG_MAX)
const base = fc.constantFrom(0, 1, 2 ** BASE_BITS - 1)
const call = fc.record({
  how: fc.constantFrom('add', 'add', 'delete', 'take'),
  tag,
  base,
  copies: fc.integer({ min: 1, max: 3 }),
})

it('holds each pair as often as it was added and not removed [P24]', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const stash = new Stash(BASE_BITS)
      const model: string[] = []
      const remove = (pair: string): boolean => {
        const at = model.indexOf(pair)
        if (at >= 0) model.splice(at, 1)
        return at >= 0
      }
      for (const { how, tag, base, copies } of calls) {
        const pair = `${tag} ${base}`
        if (how === 'add') {
          stash.add(tag, base, copies)
          for (let copy = 0; copy < copies; copy++) model.push(pair)
        } else if (how === 'delete') {
          expect(stash.delete(tag, base)).toBe(remove(pair))
        } else {
          const taken = stash.takeNext()
          expect(taken === undefined).toBe(model.length === 0)
          if (taken !== undefined) expect(remove(`${taken.tag} ${taken.base}`)).toBe(true)
        }
        expect(stash.has(tag, base)).toBe(model.includes(pair))
      }
      const held = [...stash.entries()].flatMap((entry) =>
        new Array<string>(entry.copies).fill(`${entry.tag} ${entry.base}`),
      )
      expect(held.sort()).toEqual(model.sort())
      expect(stash.size).toBe(new Set(model).size)
    }),
  )
})

it('takes an entry that was put back again only after all others', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      (tags, copies) => {
        const stash = new Stash(BASE_BITS)
        for (const tag of tags) stash.add(tag, 7, copies)
        for (let round = 0; round < 3; round++) {
          const taken = tags.map(() => {
            const entry = stash.takeNext()!
            stash.add(entry.tag, entry.base)
            return entry.tag
          })
          expect(new Set(taken)).toEqual(new Set(tags))
        }
      },
    ),
  )
})
