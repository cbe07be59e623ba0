import type { State } from '../explore/layout.ts'
import { layOutTransaction, type Fields } from './fields.ts'
import type { Rules } from './rules.ts'
import type { Scenario, Write } from './scenario.ts'

/** One write of a batch. */
export interface PlacedWrite {
  /** Position of the id. */
  readonly id: number
  readonly stamp: number
}

/** A scenario and the rules it is run under, with what follows from them and never changes. */
export interface Model {
  readonly scenario: Scenario
  readonly rules: Rules
  readonly fields: Fields
  readonly depth: number
  /** Whether the SELECT locks what it finds. */
  readonly locksRead: boolean
  /** Whether the store looks at versions; else they are not kept, as they would only make more states. */
  readonly hasVersions: boolean
  /** By stamp: whether it is a delete. */
  readonly deletes: readonly boolean[]
  /** By batch and variant: its writes, in the order of the ids. */
  readonly writes: readonly (readonly (readonly PlacedWrite[])[])[]
  /** By process: its batches, in the order in which they are sent. */
  readonly batchesOf: readonly (readonly number[])[]
}

/** So that no sum of a few is another's. */
const DIGESTS = [0, 1, 3, 7, 20, 47, 101, 169, 217, 239, 83]

export function modelOf(scenario: Scenario, rules: Rules): Model {
  const deletes: boolean[] = []
  const note = ({ stamp, deletes: isDelete = false }: Write): void => {
    deletes[stamp] = isDelete
  }
  for (const write of Object.values(scenario.rows ?? {})) note(write)
  const placed = (writes: Readonly<Record<string, Write>>): PlacedWrite[] =>
    Object.entries(writes)
      .map(([id, write]) => {
        note(write)
        return { id: scenario.ids.indexOf(id), stamp: write.stamp }
      })
      .toSorted((a, b) => a.id - b.id)
  const writes = scenario.batches.map((batch) => [
    placed(batch.writes),
    placed(batch.changed ?? batch.writes),
  ])
  return {
    scenario,
    rules,
    fields: layOutTransaction(scenario),
    depth: scenario.depth ?? 2,
    locksRead: rules.store === 'locked' || rules.store === 'immediate' || rules.store === 'certified',
    hasVersions: rules.store === 'upsert' || rules.store === 'upsert-counted',
    deletes,
    writes,
    batchesOf: scenario.processes.map((_, process) =>
      scenario.batches.flatMap((batch, index) => (batch.process === process ? [index] : [])),
    ),
  }
}

/** What a row with this stamp adds to the sums: a tombstone counts as nothing. */
export function digestOf(m: Model, stamp: number): number {
  return stamp === 0 || m.deletes[stamp] === true ? 0 : DIGESTS[stamp]!
}

/** The batch of a transaction. */
export function batchOf(m: Model, state: State, slot: number): number {
  const { batches, at } = m.fields
  return slot < batches ? slot : state[at.owner + slot]! - 1
}

export function processOf(m: Model, batch: number): number {
  return m.scenario.batches[batch]!.process
}

export function instanceOf(m: Model, batch: number): number {
  return m.scenario.processes[processOf(m, batch)]!.instance
}

/** The writes that a transaction carries. */
export function writesOf(m: Model, state: State, slot: number): readonly PlacedWrite[] {
  return m.writes[batchOf(m, state, slot)]![state[m.fields.at.content + slot]!]!
}

/** A link stands for one batch with one content. */
export function linkOf(batch: number, content: number): number {
  return 1 + batch * 2 + content
}

/** Where the ledger has the link at a position. */
export function ledgerAt(m: Model, instance: number, sequence: number): number {
  return m.fields.at.ledger + instance * m.fields.sequences + sequence
}

/** Whether a batch with this content was ever committed, as only the judge knows. */
export function isApplied(m: Model, state: State, batch: number, content: number): boolean {
  return ((state[m.fields.at.applied + batch]! >> content) & 1) === 1
}

/** Forgets all that a slot has. */
export function clearSlot(m: Model, state: State, slot: number): void {
  const { at, ids } = m.fields
  for (const first of [
    at.phase,
    at.at,
    at.owner,
    at.packet,
    at.sequence,
    at.plannedFloor,
    at.plannedAttempt,
    at.content,
    at.isOut,
    at.leftOut,
    at.locks,
    at.stored,
  ]) {
    state[first + slot] = 0
  }
  state.fill(0, at.seen + slot * ids, at.seen + (slot + 1) * ids)
  state.fill(0, at.seenVersion + slot * ids, at.seenVersion + (slot + 1) * ids)
}
