/** Short lives, each with a log directory of its own, on one SQLite file: instances and ledger rows must not grow with them [P80]. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine } from '@se/engine'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'

export const area = 'system.lives'

/** Rows that may be there, whatever has lived before. */
const INSTANCES_MAX = 200

export async function run({
  deadline,
  log,
}: {
  deadline: number
  log: (line: string) => void
}): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'se-lives-'))
  let lives = 0
  let most = 0
  try {
    do {
      const engine = createEngine({
        log: { directory: path.join(directory, `log.${lives}`) },
        archive: sqliteArchive({ file: path.join(directory, 'archive.sqlite') }),
        ledgerAgeMs: 1_000,
      })
      await engine.start()
      await engine.submit(`item.${lives % 100}`, lives)
      // As it is encoded: archive;instance=sequence.link;…
      const instances = engine.status().cut?.match(/;\d+=/g) ?? []
      most = Math.max(most, instances.length)
      const report = await engine.stop()
      assert.deepEqual(report.problems, [], `life ${lives} ends in order`)
      assert.ok(most <= INSTANCES_MAX, `${most} instances after ${lives} lives`)
      lives++
      await rm(path.join(directory, `log.${lives - 1}`), { recursive: true })
    } while (Date.now() < deadline)
    assert.ok(lives < 2 || most > 0, 'instances are seen')
    log(`${lives} lives, ${most} instances at most`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
