import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidInput, stampTimeOf } from '@se/core'
import { readHeads } from './heads.ts'
import { pruneChunk } from './ledger.ts'
import { raiseCollectionFloor, readTreeCut } from './meta.ts'
import type { Runner } from './runner.ts'

const COLLECT_ROWS = 1_000

/** Removes tombstones by age; the floor is raised first. @returns how many rows were removed */
export async function collectTombstones(runner: Runner, beforeMs: number): Promise<number> {
  const { nowMs } = await runner.read((reader) => readHeads(reader))
  if (!Number.isInteger(beforeMs)) throw new InvalidInput('beforeMs', 'must be an integer')
  const limitTime = stampTimeOf(Math.min(beforeMs, nowMs)) - 1
  let removedCount = 0
  let after: string | undefined
  for (;;) {
    const found = await runner.write((session) =>
      session.items.tombstonesAfter(after, limitTime, COLLECT_ROWS),
    )
    if (found.length > 0) {
      // Never higher than what is collected: by whatever clock, no new id is refused for it [P67].
      const floor = found.reduce((newest, { time }) => Math.max(newest, time), 0)
      const ids = found.map(({ id }) => id)
      await runner.write((session) => raiseCollectionFloor(session, floor))
      removedCount += await runner.write((session) => session.items.removeTombstones(ids, floor))
    }
    if (found.length < COLLECT_ROWS) return removedCount
    after = found.at(-1)!.id
    await nextTurn()
  }
}

/** Removes ledger rows that the tree pages include, by age. @returns how many rows were removed */
export async function pruneLedger(runner: Runner, beforeMs: number): Promise<number> {
  const folded = await runner.read((reader) => readTreeCut(reader))
  let removedCount = 0
  for (const [instance, { sequence: limit }] of folded.positions) {
    let removed: number
    do {
      removed = await runner.write(async (session) => {
        // A fold looks for the links at the pages' cut, and must find them.
        await readTreeCut(session, 'share')
        return pruneChunk(session, { instance, limit, beforeMs })
      })
      removedCount += removed
    } while (removed > 0)
  }
  return removedCount
}
