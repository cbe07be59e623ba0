/** Goal: an entry counts only by what was vouched for, and the later question wins. */
import type { Cut } from '@se/core'
import { cutAt as cutOf } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { Belief, Beliefs, type StripeFacts } from './beliefs.ts'
import { encodeEntry, encodeTexts, entryBytes } from './entry.ts'
import { cutNameOf, markOf } from './mark.ts'

const [A, B] = ['00000000000000aa', 'ff000000000000bb']
const cutAt = (sequence: number, archive = '0') => cutOf(archive.repeat(32), [[1, sequence]])

function facts(epoch: string, leafEpochs: [number, string][] = [], cut = cutAt(1)): StripeFacts {
  const revision = leafEpochs.length === 0 ? epoch : 'cc'.repeat(8)
  return { state: { stripe: 1, cut, epoch }, revision, leafEpochs: new Map(leafEpochs), entryBytesMax: 1 }
}

function entryOf(epoch: string): Buffer {
  const fields = {
    stamp: { time: 1, instance: 1 },
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
    texts: encodeTexts('', ''),
    bytes: new Uint8Array(0),
  }
  const bytes = Buffer.alloc(entryBytes(fields))
  encodeEntry(fields, Buffer.from(epoch, 'hex'), 7, bytes, 0)
  return bytes
}

describe('a belief', () => {
  it('judges by the epoch of the leaf, else of the stripe', () => {
    const plain = new Belief(facts(A))
    expect(plain.isCurrent(entryOf(A), () => 7)).toBe(true)
    expect(plain.isCurrent(entryOf(B), () => 7)).toBe(false)
    const withLeaf = new Belief(facts(A, [[7, B]]))
    expect(withLeaf.isCurrent(entryOf(A), () => 7)).toBe(false)
    expect(withLeaf.isCurrent(entryOf(B), () => 7)).toBe(true)
    expect(withLeaf.isCurrent(entryOf(A), () => 8)).toBe(true)
    expect(withLeaf.isCurrent(Buffer.from('{"a":1}'), () => 8)).toBe(false)
  })

  it('takes a stripe that moved for recent only if its epoch is the same and its cut covers the one that is believed [R5] [P66]', () => {
    const belief = new Belief(facts(A, [], cutAt(5)))
    expect(belief.standing(null)).toBe('elsewhere')
    const mark = (cut: Cut, epoch = A) => markOf({ epoch, cut })
    expect(belief.standing(mark(cutAt(5)))).toBe('stands')
    for (const [cut, standing] of [
      [cutAt(6), 'stands'],
      [cutAt(4), 'elsewhere'],
      [cutAt(6, 'f'), 'elsewhere'],
    ] as const) {
      // Under another epoch the cut says nothing, and need not be known: before it was met, and after.
      expect(belief.standing(mark(cut, B))).toBe('elsewhere')
      expect(belief.standing(mark(cut))).toBe('moved')
      belief.judgeCut(cutNameOf(mark(cut)), cut)
      expect(belief.standing(mark(cut))).toBe(standing)
      expect(belief.standing(mark(cut, B))).toBe('elsewhere')
    }
    expect(belief.standing(mark(cutAt(5), B))).toBe('elsewhere')
  })
})

describe('beliefs', () => {
  it('are not what was merely read, and not what was read elsewhere [P66]', () => {
    const beliefs = new Beliefs()
    const state = beliefs.remember(facts(A), beliefs.nextOrder())
    expect(beliefs.get(1)).toBeUndefined()
    beliefs.believe([{ ...state }])
    expect(beliefs.get(1)).toBeUndefined()
    beliefs.believe([state])
    expect(beliefs.get(1)?.facts.state).toBe(state)
  })

  it('keep the answer to the later question, in whatever order answers come', () => {
    const beliefs = new Beliefs()
    const [earlier, later] = [beliefs.nextOrder(), beliefs.nextOrder()]
    const second = beliefs.remember(facts(B), later)
    const first = beliefs.remember(facts(A), earlier)
    beliefs.believe([second])
    beliefs.believe([first])
    expect(beliefs.get(1)?.facts.state).toBe(second)
  })

  it('that were withdrawn stay so for what was read before, and what is under way is told [P66]', () => {
    const beliefs = new Beliefs()
    const state = beliefs.remember(facts(A), beliefs.nextOrder())
    beliefs.believe([state])
    const belief = beliefs.get(1)!
    beliefs.doubt([1])
    expect(belief.isWithdrawn).toBe(true)
    beliefs.believe([state])
    expect(beliefs.get(1)).toBeUndefined()
    beliefs.believe([beliefs.remember(facts(A), beliefs.nextOrder())])
    expect(beliefs.get(1)).toBeDefined()
  })

  it('are withdrawn for what is under way when the epochs change, not when the stripe merely moves on', () => {
    const beliefs = new Beliefs()
    const believe = (next: StripeFacts) => {
      beliefs.believe([beliefs.remember(next, beliefs.nextOrder())])
      return beliefs.get(1)!
    }
    const first = believe(facts(A))
    const moved = believe(facts(A, [], cutAt(2)))
    expect(first.isWithdrawn).toBe(false)
    const invalidated = believe(facts(A, [[7, B]], cutAt(2)))
    expect(moved.isWithdrawn).toBe(true)
    believe(facts(B, [], cutAt(2)))
    expect(invalidated.isWithdrawn).toBe(true)
  })
})
