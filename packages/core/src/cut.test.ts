import { describe, expect, it } from 'vitest'
import {
  batchesBehind,
  covers,
  decodeCut,
  encodeCut,
  equalCuts,
  formatCut,
  linkAt,
  LINK_NONE,
  type Cut,
} from './cut.ts'
import { cutAt } from './testing/cuts.ts'

const archiveId = '0123456789abcdef0123456789abcdef'
const cut = (pairs: [number, number][], id = archiveId): Cut => cutAt(id, pairs)

describe('cuts', () => {
  it('are equal whatever the order, and an instance at 0 is as good as unnamed', () => {
    expect(
      equalCuts(
        cut([
          [1, 7],
          [2, 3],
        ]),
        cut([
          [2, 3],
          [1, 7],
          [9, 0],
        ]),
      ),
    ).toBe(true)
    expect(equalCuts(cut([[1, 7]]), cut([[1, 8]]))).toBe(false)
    expect(equalCuts(cut([[1, 7]]), cut([[1, 7]], 'f'.repeat(32)))).toBe(false)
  })

  it('cover what they include, and count what they lack, also of instances they never met [P63]', () => {
    const heads = cut([
      [1, 7],
      [2, 3],
    ])
    expect(covers(heads, cut([[1, 5]]))).toBe(true)
    expect(covers(cut([[1, 9]]), heads)).toBe(false)
    expect(batchesBehind(cut([[1, 5]]), heads)).toBe(5)
  })

  it('neither equal nor cover one that has another link at the same sequence [P65] [P88]', () => {
    const here = cut([
      [1, 7],
      [2, 3],
    ])
    const elsewhere: Cut = {
      ...here,
      positions: new Map([...here.positions, [2, { sequence: 3, link: 'f'.repeat(16) }]]),
    }
    expect(equalCuts(here, elsewhere)).toBe(false)
    expect(covers(here, elsewhere)).toBe(false)
    expect(covers(elsewhere, here)).toBe(false)
    expect(encodeCut(here)).not.toBe(encodeCut(elsewhere))
    expect(linkAt(elsewhere, 2)).toBe('f'.repeat(16))
    expect(linkAt(elsewhere, 3)).toBe(LINK_NONE)
  })

  it('survive their text form, which is the same for equal cuts', () => {
    const heads = cut([
      [12, 7],
      [2, Number.MAX_SAFE_INTEGER],
    ])
    expect(equalCuts(decodeCut(encodeCut(heads)), heads)).toBe(true)
    expect(
      encodeCut(
        cut([
          [2, 3],
          [1, 7],
          [5, 0],
        ]),
      ),
    ).toBe(
      encodeCut(
        cut([
          [1, 7],
          [2, 3],
        ]),
      ),
    )
    expect(formatCut(heads)).toBe('{archive 01234567, 2: 9007199254740991, 12: 7}')
  })

  it('refuse another form', () => {
    for (const text of [
      '',
      'xyz',
      `${archiveId};1`,
      `${archiveId};1=`,
      `${archiveId};a=1`,
      `${archiveId};1=99999999999999999.0000000000000001`,
      `${archiveId};1=1`,
      `${archiveId};1=1.`,
      `${archiveId};1=1.000000000000001`,
      `${archiveId};1=1.000000000000000G`,
    ]) {
      expect(() => decodeCut(text), text).toThrow(expect.objectContaining({ code: 'SE_CORRUPT_DATA' }))
    }
  })
})
