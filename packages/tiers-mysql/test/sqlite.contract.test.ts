import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'vitest'
import { archiveContract, type ArchiveHarness } from '@se/core/testing'
import { createBranchSet, type ArchiveTier } from '@se/core'
import { sqliteArchive } from '../src/sqlite/index.ts'
import { treeHarness } from './contract-harness.ts'

const directories: string[] = []

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

/** An archive in a directory of its own; a backup is a copy of the directory while the archive is closed. */
async function newHarness(exclusive: boolean): Promise<ArchiveHarness> {
  const root = await mkdtemp(join(tmpdir(), 'se-sqlite-'))
  directories.push(root)
  const directory = join(root, 'archive')
  const newArchive = () => sqliteArchive({ file: join(directory, 'archive.db'), exclusive })
  const archive = newArchive()
  const reopen = () => archive.open({ branches: createBranchSet(['user.', 'user.admin.']), digests: 'keyed' })
  let backupCount = 0
  return {
    ...treeHarness,
    archive,
    ...(exclusive ? {} : { peer: newArchive() }),
    async backup() {
      const copy = join(root, `backup-${(backupCount += 1)}`)
      await whileClosed(archive, reopen, () => cp(directory, copy, { recursive: true }))
      return () =>
        whileClosed(archive, reopen, async () => {
          await rm(directory, { recursive: true })
          await cp(copy, directory, { recursive: true })
        })
    },
  }
}

async function whileClosed(archive: ArchiveTier, reopen: () => Promise<unknown>, work: () => Promise<void>) {
  await archive.close()
  await work()
  await reopen()
}

describe.each([
  { exclusive: true, title: 'exclusive' },
  { exclusive: false, title: 'shared by several processes' },
])('SQLite archive, $title: contract', ({ exclusive }) => {
  for (const { title, run } of archiveContract) it(title, async () => run(await newHarness(exclusive)))
})
