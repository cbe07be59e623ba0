/**
 * Goal: an archive whose own facts are gone for a while, as in the middle of a restore by hand, costs no acknowledged write: no part takes
 * it for an archive of 1970 in which nothing was ever written [R1, W3, P67].
 * Method: `sync_meta` is emptied and filled again under an engine that runs, on SQLite.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stampMs } from '@se/core'
import { createEngine, type Engine } from '@se/engine'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

describe('an archive whose facts are gone for a while', () => {
  let directory: string
  let file: string
  let engine: Engine

  const startEngine = async (log: string): Promise<Engine> => {
    const started = createEngine({
      log: { directory: path.join(directory, log) },
      archive: sqliteArchive({ file, exclusive: false }),
    })
    await started.start()
    return started
  }
  const edit = (statements: string): void => {
    const editor = new Database(file)
    editor.exec(statements)
    editor.close()
  }

  beforeEach(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'se-lost-facts-'))
    file = path.join(directory, 'archive.db')
    const other = await startEngine('other')
    await other.submit('shared', 'old')
    await other.stop()
    engine = await startEngine('ours')
  })
  afterEach(async () => {
    await engine.stop()
    rmSync(directory, { recursive: true })
  })

  it('says nothing that counts, and costs no write that is acknowledged meanwhile [R1, R5, W3, P67]', async () => {
    edit('CREATE TABLE kept AS SELECT * FROM sync_meta; DELETE FROM sync_meta')
    await expect(engine.flush()).rejects.toMatchObject({ code: 'SE_CORRUPT_DATA' })
    const before = Date.now()
    // Not one that this process has ever read: its stamp alone decides.
    const { stamp } = await engine.submit('shared', 'new')
    expect(stampMs(stamp)).toBeGreaterThan(before - 60_000)

    edit('INSERT INTO sync_meta SELECT * FROM kept; DROP TABLE kept')
    await engine.flush()
    expect((await engine.get('shared', { consistency: 'source' }))?.value).toBe('new')
    expect(engine.parked()).toEqual([])
    expect(await engine.verify({ deep: true })).toMatchObject({ isTrusted: true })
  })
})
