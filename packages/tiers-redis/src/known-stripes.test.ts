import { describe, expect, it } from 'vitest'
import { encodeEntry, encodeTexts, entryBytes } from './entry.ts'
import { KnownStripes, type KnownStripe } from './known-stripes.ts'

const [A, B] = ['00000000000000aa', 'ff000000000000bb']

function known(epoch: string, leafEpochs: [number, string][] = []): KnownStripe {
  const cut = { archiveId: '0'.repeat(32), positions: new Map() }
  return { state: { stripe: 1, cut, epoch }, revision: epoch, leafEpochs: new Map(leafEpochs) }
}

function entryOf(epoch: string): Buffer {
  const texts = encodeTexts('', '')
  const fields = { stamp: { time: 1, instance: 1 }, version: 1, createdAtMs: 0, updatedAtMs: 0, texts }
  const bytes = Buffer.alloc(entryBytes({ texts, bytes: new Uint8Array(0) }))
  encodeEntry({ ...fields, bytes: new Uint8Array(0) }, Buffer.from(epoch, 'hex'), bytes, 0)
  return bytes
}

describe('known stripes', () => {
  it('judge by the epoch of the leaf, else of the stripe; nothing counts where no meta is known', () => {
    const stripes = new KnownStripes()
    expect(stripes.counts(1, entryOf(A), () => 7)).toBe(false)
    stripes.learn(1, stripes.nextOrder(), known(A))
    expect(stripes.counts(1, entryOf(A), () => 7)).toBe(true)
    expect(stripes.counts(1, entryOf(B), () => 7)).toBe(false)
    stripes.learn(1, stripes.nextOrder(), known(A, [[7, B]]))
    expect(stripes.counts(1, entryOf(A), () => 7)).toBe(false)
    expect(stripes.counts(1, entryOf(B), () => 7)).toBe(true)
    expect(stripes.counts(1, entryOf(A), () => 8)).toBe(true)
    expect(stripes.counts(1, Buffer.from('{"a":1}'), () => 8)).toBe(false)
  })

  it('keep the answer to the later question, in whatever order answers come', () => {
    const stripes = new KnownStripes()
    const [earlier, later] = [stripes.nextOrder(), stripes.nextOrder()]
    stripes.learn(1, later, known(B))
    stripes.learn(1, earlier, known(A))
    expect(stripes.get(1)?.state.epoch).toBe(B)
    stripes.learn(1, earlier, undefined)
    expect(stripes.get(1)?.state.epoch).toBe(B)
    stripes.learn(1, stripes.nextOrder(), undefined)
    expect(stripes.get(1)).toBeUndefined()
  })
})
