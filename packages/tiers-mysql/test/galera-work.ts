import { deepStrictEqual as deepEqual, strictEqual as equal } from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { createBranchSet, type ArchiveTier } from '@se/core'
import { mysqlArchive } from '../src/mysql/index.ts'
import type { GaleraHarness } from './galera-harness.ts'
import { Acknowledged, LedgerWriter } from './ledger-writer.ts'

export const OPEN = { branches: createBranchSet(), digests: 'keyed' } as const

const LOOK_MS = 10

/** Several processes on one new archive, each connection of theirs at the next node. */
export interface GaleraWork {
  readonly url: string
  readonly acknowledged: Acknowledged
  readonly archives: readonly ArchiveTier[]
  /** One for each archive. */
  readonly writers: readonly LedgerWriter[]
  /** @throws AssertionError unless all that was acknowledged is at every node, and each ledger is whole */
  checkNothingLost(): Promise<void>
  close(): Promise<void>
}

export async function startGaleraWork(harness: GaleraHarness, writerCount: number): Promise<GaleraWork> {
  harness.leadTo()
  const url = await harness.newDatabase()
  const acknowledged = new Acknowledged()
  const archives = Array.from({ length: writerCount }, () => mysqlArchive({ url, poolSize: 4 }))
  const writers: LedgerWriter[] = []
  for (const archive of archives) {
    await archive.open(OPEN)
    writers.push(await LedgerWriter.claim(archive, acknowledged))
  }

  async function checkNothingLost(): Promise<void> {
    await harness.cluster.waitUntilSynced()
    for (const index of harness.cluster.urls.keys()) {
      const archive = mysqlArchive({ url: harness.atNode(url, index), poolSize: 1 })
      await archive.open(OPEN)
      try {
        deepEqual(await acknowledged.staleAmong(archive, acknowledged.ids), [], `lost at node ${index}`)
        const { tail } = await archive.readTree()
        equal(tail.kind, 'rows', `the ledger at node ${index} is whole`)
        for (const { instance, sequence } of writers) {
          equal(tail.heads.cut.positions.get(instance)?.sequence, sequence, `head at node ${index}`)
        }
      } finally {
        await archive.close()
      }
    }
  }

  return {
    url,
    acknowledged,
    archives,
    writers,
    checkNothingLost,
    async close() {
      for (const writer of writers) writer.stop()
      await Promise.all(archives.map((archive) => archive.close()))
    },
  }
}

/** Resolves when each writer has had so many more batches acknowledged; rejects when their work fails before. */
export async function writtenBeyond(
  writers: readonly LedgerWriter[],
  count: number,
  working: Promise<unknown>,
): Promise<void> {
  const goals = writers.map(({ sequence }) => sequence + count)
  let hasFailed = false
  working.catch(() => (hasFailed = true))
  while (writers.some(({ sequence }, index) => sequence <= goals[index]!)) {
    if (hasFailed) await working
    await setTimeout(LOOK_MS)
  }
}
