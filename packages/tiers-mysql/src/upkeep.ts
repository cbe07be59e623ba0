import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidInput, stampTimeOf } from '@se/core'
import { readHeads } from './heads.ts'
import { instancesBelow, raiseInstanceFloor } from './instances.ts'
import { pruneChunk } from './ledger.ts'
import { raiseCollectionFloor, readTreeCut } from './meta.ts'
import type { Runner } from './runner.ts'
import { partsOfCount } from './statement-sizes.ts'

/** Tombstones between two raises of the floors, each of which is a transaction for every instance. */
const COLLECT_ROWS = 10_000
/** Tombstones that one transaction locks and removes. */
const REMOVE_ROWS = 1_000

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
      await raiseFloors(runner, floor)
      for (const part of partsOfCount(found, REMOVE_ROWS)) {
        const ids = part.map(({ id }) => id)
        removedCount += await runner.write((session) => session.items.removeTombstones(ids, floor))
      }
    }
    if (found.length < COLLECT_ROWS) return removedCount
    after = found.at(-1)!.id
    await nextTurn()
  }
}

/**
 * Raises the archive's floor, and then that of each instance, in a transaction of its own: it waits for that instance's
 * batch, and holds up nobody else's. A batch that was planned with the lower floor does not get its sequence.
 *
 * Once this has returned, no batch commits that was planned with a lower one.
 */
async function raiseFloors(runner: Runner, floor: number): Promise<void> {
  await runner.write((session) => raiseCollectionFloor(session, floor))
  // Listed after the archive's floor was committed: a claim reads that under its lock, so a later one begins with it.
  for (const instance of await runner.read((reader) => instancesBelow(reader, floor))) {
    await runner.write((session) => raiseInstanceFloor(session, instance, floor))
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
        await readTreeCut(session, 'update')
        return pruneChunk(session, { instance, limit, beforeMs })
      })
      removedCount += removed
    } while (removed > 0)
  }
  return removedCount
}
