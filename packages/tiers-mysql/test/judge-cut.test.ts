import { describe, expect, it } from 'vitest'
import { LINK_NONE, type Cut } from '@se/core'
import { cutAt, linkOf } from '@se/core/testing'
import type { InstanceHead, InstanceHeads } from '../src/heads.ts'
import { judgeCut, judgeProofs, judgeRetirements, positionKey } from '../src/judge-cut.ts'

const ARCHIVE = 'a'.repeat(32)

/** @param standing by instance: last and pruned sequence */
function headsAt(standing: readonly (readonly [number, number, number])[]): InstanceHeads {
  const instances = new Map<number, InstanceHead>()
  for (const [number, last, pruned] of standing) {
    instances.set(number, {
      number,
      last_sequence: last,
      link: linkOf(number, last),
      pruned_sequence: pruned,
      pruned_link: linkOf(number, pruned),
    })
  }
  return {
    cut: cutAt(
      ARCHIVE,
      standing.filter(([, last]) => last > 0).map(([number, last]) => [number, last] as const),
    ),
    prunedSequences: new Map(
      standing.filter(([, , pruned]) => pruned > 0).map(([number, , pruned]) => [number, pruned]),
    ),
    nowMs: 0,
    instances,
  }
}

const heads = headsAt([
  [1, 9, 4],
  [2, 5, 0],
  [3, 0, 0],
])
const standing = (
  ...positions: readonly (readonly [number, number] | readonly [number, number, string])[]
): Cut => ({
  archiveId: ARCHIVE,
  positions: new Map(
    positions.map(([instance, sequence, link]) => [
      instance,
      { sequence, link: link ?? linkOf(instance, sequence) },
    ]),
  ),
})
const OTHER = 'f'.repeat(16)

describe('whether a cut lies in this history [P65, P88]', () => {
  it.each([
    ['another archive', { ...standing([1, 9]), archiveId: 'b'.repeat(32) }, 'another-archive'],
    ['at the heads', standing([1, 9], [2, 5]), undefined],
    ['at a head, another link', standing([1, 9, OTHER], [2, 5]), 'another-history'],
    ['above a head', standing([1, 10], [2, 5]), 'ahead-of-heads'],
    ['above an instance that wrote nothing', standing([1, 9], [3, 1]), 'ahead-of-heads'],
    ['at the newest pruned row', standing([1, 4]), undefined],
    ['at the newest pruned row, another link', standing([1, 4, OTHER]), 'another-history'],
    ['below the newest pruned row', standing([1, 3]), 'pruned'],
    ['of an instance with pruned rows never heard', standing([2, 5]), 'pruned'],
    ['empty, nothing of it pruned', standing([1, 4], [2, 0, LINK_NONE]), undefined],
  ] as const)('%s', (_title, cut, because) => {
    expect(judgeCut(cut, heads).because).toBe(because)
  })

  it('what lies between is to be proved by the row there, and by its link', () => {
    const { because, toProve, unexplained } = judgeCut(standing([1, 7], [2, 3], [3, 0, LINK_NONE]), heads)
    expect([because, unexplained.size]).toEqual([undefined, 0])
    expect(toProve).toEqual([
      { instance: 1, sequence: 7, link: linkOf(1, 7) },
      { instance: 2, sequence: 3, link: linkOf(2, 3) },
    ])
    const links = new Map(toProve.map((position) => [positionKey(position), position.link]))
    expect(judgeProofs(toProve, links)).toBeUndefined()
    expect(judgeProofs(toProve, new Map([...links, ['2/3', OTHER]]))).toBe('another-history')
    links.delete('2/3')
    expect(judgeProofs(toProve, links)).toBe('pruned')
  })
})

describe('whether retirements explain what the archive does not have [P94]', () => {
  const from = standing([1, 9], [7, 3], [8, 2])
  const retired = (instance: number, sequence: number, link = linkOf(instance, sequence)) => ({
    instance,
    sequence,
    link,
  })
  const judge = (...rows: ReturnType<typeof retired>[]) =>
    judgeRetirements(from, judgeCut(from, heads).unexplained, rows)

  it.each([
    ['both, exactly there', [retired(7, 3), retired(8, 2)], undefined],
    ['others that the cut never met, and that wrote nothing', [retired(7, 3), retired(8, 2), retired(9, 0)], undefined],
    ['nobody', [], 'another-history'],
    ['one of two', [retired(7, 3)], 'another-history'],
    ['another link', [retired(7, 3, OTHER), retired(8, 2)], 'another-history'],
    ['a lower sequence', [retired(7, 2), retired(8, 2)], 'another-history'],
    ['a higher sequence', [retired(7, 4), retired(8, 2)], 'pruned'],
    ['one that wrote and that the cut never met', [retired(7, 3), retired(8, 2), retired(9, 1)], 'pruned'],
  ] as const)('%s', (_title, rows, because) => {
    expect(judge(...rows)).toBe(because)
  }) // prettier-ignore
})
