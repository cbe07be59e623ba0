import type { State } from '../explore/layout.ts'
import type { Moves } from '../explore/world.ts'
import { archiveAt, rowAt, type CutModel } from './cut-fields.ts'

export const CUT_VIOLATIONS = [
  '',
  'the view applied a batch twice',
  'the view has missed a batch, and believes',
  'the view has a batch that the archive has not, and believes',
] as const

/** The view wakes up: it judges its cut, and follows from there or starts over. */
export function stepView(m: CutModel, state: State, moves: Moves): void {
  const { at, instances } = m.fields
  const next = moves.copy()
  const dropped = judge(m, state)
  const content = state[archiveAt(m, 'content')]!
  if (dropped === undefined) {
    next[at.applied] = content
  } else {
    let applied = state[at.applied]!
    for (const { row, isRetirement } of rowsBeyond(m, state, dropped)) {
      if (isRetirement) continue
      const bit = 1 << (state[archiveAt(m, 'row', row)]! - 1)
      if ((applied & bit) !== 0) next[at.violation] = 1
      applied |= bit
    }
    if (next[at.violation] === 0 && (content & ~applied) !== 0) next[at.violation] = 2
    if (next[at.violation] === 0 && (applied & ~content) !== 0) next[at.violation] = 3
    next[at.applied] = applied
  }
  for (let instance = 0; instance < instances; instance++) {
    next[at.cut + instance] = state[archiveAt(m, 'last', instance)]!
    next[at.cutLink + instance] = state[archiveAt(m, 'link', instance)]!
  }
  moves.add(
    next,
    () => `the view wakes up, and ${dropped === undefined ? 'starts over' : 'believes its cut'}`,
  )
}

interface RowBeyond {
  readonly row: number
  readonly isRetirement: boolean
}

/** The ledger rows between the cut and the heads. */
function rowsBeyond(m: CutModel, state: State, dropped: ReadonlySet<number>): RowBeyond[] {
  const rows: RowBeyond[] = []
  for (let instance = 0; instance < m.fields.instances; instance++) {
    const from = dropped.has(instance) ? 0 : state[m.fields.at.cut + instance]!
    for (let sequence = from + 1; sequence <= state[archiveAt(m, 'last', instance)]!; sequence++) {
      const row = rowAt(m, instance, sequence)
      rows.push({ row, isRetirement: state[archiveAt(m, 'retired', row)] !== 0 })
    }
  }
  return rows
}

/**
 * Judges the cut by the archive alone.
 *
 * @returns the instances that fall out of the cut, as they were retired where it stands; `undefined`: the way from the cut to the
 *   heads is not known
 */
function judge(m: CutModel, state: State): ReadonlySet<number> | undefined {
  const { at, instances } = m.fields
  const dropped = judgeRetirements(m, state)
  if (dropped === undefined) return undefined
  for (let instance = 0; instance < instances; instance++) {
    const cut = dropped.has(instance) ? 0 : state[at.cut + instance]!
    const isThere = state[archiveAt(m, 'isThere', instance)] === 1
    if (!isThere) {
      if (cut === 0) continue
      if (m.rules['unknown-refused']) return undefined
      dropped.add(instance)
      continue
    }
    if (cut > state[archiveAt(m, 'last', instance)]! || cut < state[archiveAt(m, 'pruned', instance)]!)
      return undefined
    if (cut > 0 && m.rules['links-compared'] && !isLinkThere(m, state, instance, cut)) return undefined
  }
  return dropped
}

function isLinkThere(m: CutModel, state: State, instance: number, cut: number): boolean {
  const link = state[m.fields.at.cutLink + instance]
  if (cut === state[archiveAt(m, 'last', instance)]) return link === state[archiveAt(m, 'link', instance)]
  if (cut === state[archiveAt(m, 'pruned', instance)]) {
    return !m.rules['pruned-link-kept'] || link === state[archiveAt(m, 'prunedLink', instance)]
  }
  return link === state[archiveAt(m, 'row', rowAt(m, instance, cut))]
}

/** What the retirements beyond the cut say of it. What was retired is pruned, so the cut must stand exactly where it ended. */
function judgeRetirements(m: CutModel, state: State): Set<number> | undefined {
  const { at } = m.fields
  let dropped = new Set<number>()
  for (;;) {
    const found = new Set<number>()
    for (const { row, isRetirement } of rowsBeyond(m, state, dropped)) {
      const last = state[archiveAt(m, 'retiredLast', row)]!
      if (!isRetirement || last === 0) continue
      const instance = state[archiveAt(m, 'retired', row)]! - 1
      const isThere =
        state[at.cut + instance] === last &&
        state[at.cutLink + instance] === state[archiveAt(m, 'retiredLink', row)]
      if (!isThere) return undefined
      found.add(instance)
    }
    if (found.size === dropped.size || !m.rules['new-life-judged']) return found
    // Of the numbers that fell out, the rows of a new life lie beyond the cut as well.
    dropped = found
  }
}
