import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { seededRandom } from '@se/core/testing'
import type { SimulatedTiers } from '@se/engine/testing'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'

/** SQLite in the place of the simulated world's archive: a real file for each run, shared by its processes. */
export const sqliteTiers: SimulatedTiers = {
  archive({ clock, seed }) {
    const directory = mkdtempSync(path.join(tmpdir(), 'se-simulated-'))
    const random = seededRandom(seed)
    return {
      connect: () =>
        sqliteArchive({ file: path.join(directory, 'archive.db'), exclusive: false, clock, random }),
      close: () => rmSync(directory, { recursive: true, force: true }),
    }
  },
}
