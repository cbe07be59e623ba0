import type { State } from '../explore/layout.ts'
import { VIOLATION } from './constants.ts'
import { ledgerAt, linkOf, type Model } from './model.ts'

/** A ledger row, as who reads the ledger sees it. */
interface Read {
  readonly instance: number
  readonly sequence: number
  /** By id: stamp written, and 1 + the stamp it replaced; 0: the id is not in the row. */
  readonly stamps: readonly number[]
  readonly previous: readonly number[]
}

/**
 * A reader that takes the whole ledger in one snapshot puts its rows in order: by the edges below, and where they leave a
 * choice by (instance, sequence). It must end with the archive's rows, and take each process' batches in their order.
 *
 *   edges      order-by-stamp       rows of one id by stamp
 *              otherwise            a row after the one whose stamp it names as replaced
 *              order-by-sequence    rows of one instance by sequence
 */
export function judgeOrder(m: Model, state: State): number {
  if (m.scenario.order !== true) return 0
  const rows = readLedger(m, state)
  const ordered: Read[] = []
  const open = [...rows]
  while (open.length > 0) {
    const next = open.findIndex((row) => !open.some((other) => other !== row && isBefore(m, other, row)))
    if (next === -1) return VIOLATION.orderCircle
    ordered.push(...open.splice(next, 1))
  }
  for (const [index, row] of ordered.entries()) {
    const isLate = (later: Read) => later.instance === row.instance && later.sequence < row.sequence
    if (ordered.slice(index + 1).some(isLate)) return VIOLATION.orderOfProcess
  }
  for (let id = 0; id < m.fields.ids; id++) {
    const last = ordered.findLast(({ previous }) => previous[id] !== 0)?.stamps[id]
    if (last !== undefined && last !== state[m.fields.at.newest + id]) return VIOLATION.orderOfRows
  }
  return 0
}

function isBefore(m: Model, a: Read, b: Read): boolean {
  if (m.rules['order-by-sequence'] && a.instance === b.instance && a.sequence < b.sequence) return true
  return a.stamps.some((stamp, id) => {
    if (a.previous[id] === 0 || b.previous[id] === 0) return false
    return m.rules['order-by-stamp'] ? stamp < b.stamps[id]! : stamp === b.previous[id]! - 1
  })
}

/** By instance and sequence. */
function readLedger(m: Model, state: State): Read[] {
  const { at, ids, instances, sequences, batches } = m.fields
  const rows: Read[] = []
  for (let instance = 0; instance < instances; instance++) {
    for (let sequence = 1; sequence < sequences; sequence++) {
      const link = state[ledgerAt(m, instance, sequence)]!
      if (link === 0) continue
      const start = at.previous + (instance * sequences + sequence) * ids
      const previous = [...state.subarray(start, start + ids)]
      const stamps = new Array<number>(ids).fill(0)
      for (let batch = 0; batch < batches; batch++) {
        for (const content of [0, 1]) {
          if (linkOf(batch, content) !== link) continue
          for (const { id, stamp } of m.writes[batch]![content]!) stamps[id] = stamp
        }
      }
      rows.push({ instance, sequence, stamps, previous })
    }
  }
  return rows
}
