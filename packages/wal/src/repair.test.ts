import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPowerLossFileSystem } from '@se/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inventedProcess } from '../test/invented-processes.ts'
import { openLog, repairLog } from './index.ts'

/** Goal: a person can look at a log, and decide to give up what is damaged. Method: etcd's: break, prove broken, repair, append, read again. */

const limits = { segmentBytes: 4096 }
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-wal-repair-'))
  const log = await openLog({ directory, limits })
  for (let index = 1; index <= 9; index++) await log.append(Buffer.from(`record ${index}`.padEnd(1500, '.')))
  await log.close()
})

afterEach(() => rm(directory, { recursive: true, force: true }))

async function flip(file: string, offset: number) {
  const bytes = await readFile(join(directory, file))
  bytes[offset]! ^= 0x10
  await writeFile(join(directory, file), bytes)
}

const segment = (id: number) => `${String(id).padStart(16, '0')}.wal`

const damages: { title: string; code: string; lastSequence: number; damage: () => Promise<unknown> }[] = [
  { title: 'a record', code: 'SE_LOG_DAMAGED', lastSequence: 3, damage: () => flip(segment(2), 1700) },
  { title: 'a header', code: 'SE_LOG_DAMAGED', lastSequence: 4, damage: () => flip(segment(3), 20) },
  { title: 'the first header', code: 'SE_LOG_DAMAGED', lastSequence: 0, damage: () => flip(segment(1), 20) },
  {
    title: 'a file cut short',
    code: 'SE_LOG_DAMAGED',
    lastSequence: 3,
    damage: () => truncate(join(directory, segment(2)), 2000),
  },
  {
    title: 'a missing segment',
    code: 'SE_LOG_SEGMENT_MISSING',
    lastSequence: 2,
    damage: () => rm(join(directory, segment(2))),
  },
]

describe('repairLog', () => {
  it.each(damages)('$title: keeps the good part in the log and the rest in files', async (given) => {
    await given.damage()
    await expect(openLog({ directory, limits })).rejects.toMatchObject({ code: given.code })
    const report = await repairLog({ directory })
    expect(report).toMatchObject({ finding: { code: given.code }, lastSequence: given.lastSequence })
    expect(report.keptFiles.length).toBeGreaterThan(0)
    expect(await readdir(directory)).toEqual(expect.arrayContaining([...report.keptFiles]))
    const log = await openLog({ directory, limits })
    expect(await log.append(Buffer.from('after'))).toBe(given.lastSequence + 1)
    const texts: string[] = []
    for await (const { bytes } of log.replay()) texts.push(Buffer.from(bytes).toString().replaceAll('.', ''))
    const kept = Array.from({ length: given.lastSequence }, (_, index) => `record ${index + 1}`)
    expect(texts).toEqual([...kept, 'after'])
    await log.close()
  })

  it.each(['EIO', 'ENOSPC', 'a power cut'])(
    'can be called again after %s at any of its calls',
    async (how) => {
      await flip(segment(3), 1700)
      const names = await readdir(directory)
      const files = await Promise.all(names.map((name) => readFile(join(directory, name))))
      const bare = { directory: '/log', processes: inventedProcess(1, () => 'dead') }
      let errors = 0
      for (let faultAt = 0; ; faultAt++) {
        let disk = createPowerLossFileSystem()
        await disk.makeDirectory('/log')
        await disk.syncDirectory('/')
        names.forEach((name, index) => disk.plant(`/log/${name}`, files[index]!))
        const start = disk.callCount
        disk.onCall = ({ index }) => {
          if (index - start !== faultAt) return undefined
          if (how !== 'a power cut') return { code: how }
          disk.turnOff()
          return undefined
        }
        const repair = () => repairLog({ ...bare, fileSystem: disk })
        await repair().catch((error: { code: string }) => {
          expect(error.code).toBe('SE_LOG_FAILED')
          errors++
        })
        if (disk.callCount - start <= faultAt) break
        disk.onCall = undefined
        // What the cut leaves of the changes: nothing, all, or every other one.
        let turn = faultAt % 2
        const choices = [() => 0, (count: number) => count - 1, (count: number) => turn++ % count]
        if (how === 'a power cut') disk = disk.afterPowerCut(choices[faultAt % 3]!)
        await repair()
        const log = await openLog({ ...bare, limits, fileSystem: disk })
        expect(log.stats(), `call ${faultAt}`).toMatchObject({ firstSequence: 1, lastSequence: 5 })
        expect(await log.append(Buffer.from('after'))).toBe(6)
        await log.close()
        const kept = Buffer.concat(
          await Promise.all(
            (await disk.list('/log'))
              .filter((name) => /damaged$|torn$/.test(name))
              .map((name) => disk.readFile(`/log/${name}`)),
          ),
        )
        for (const record of [6, 7, 8, 9]) {
          // Of the damaged group the piece has all that is not damaged.
          expect(kept.includes(`ecord ${record}..`), `call ${faultAt}, record ${record}`).toBe(true)
        }
      }
      expect(errors).toBeGreaterThan(10)
    },
  )

  it('accepts a log whose oldest segment is gone', async () => {
    await rm(join(directory, segment(1)))
    await expect(openLog({ directory, limits })).rejects.toMatchObject({ code: 'SE_LOG_SEGMENT_MISSING' })
    await repairLog({ directory })
    const log = await openLog({ directory, limits })
    expect(log.stats()).toMatchObject({ firstSequence: 3, lastSequence: 9 })
    await log.close()
  })

  it('changes nothing in a whole log, nor in one that is open', async () => {
    expect(await repairLog({ directory })).toMatchObject({
      finding: undefined,
      lastSequence: 9,
      keptFiles: [],
    })
    const log = await openLog({ directory, limits })
    await expect(repairLog({ directory })).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })
    await log.close()
  })

  it('refuses files of a newer format', async () => {
    const bytes = await readFile(join(directory, segment(1)))
    bytes[8] = 2
    await writeFile(join(directory, segment(1)), bytes)
    await expect(openLog({ directory })).rejects.toMatchObject({
      code: 'SE_LOG_FORMAT_UNKNOWN',
      details: { version: 2 },
    })
    await expect(repairLog({ directory })).rejects.toMatchObject({ code: 'SE_LOG_FORMAT_UNKNOWN' })
    await writeFile(join(directory, segment(1)), 'a text of somebody else'.padEnd(200, '!'))
    await expect(openLog({ directory })).rejects.toMatchObject({ code: 'SE_LOG_FORMAT_UNKNOWN' })
  })
})

describe('se-wal', () => {
  function run(...args: string[]) {
    const cli = fileURLToPath(new URL('./cli.ts', import.meta.url))
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@se/source', cli, ...args],
      { encoding: 'utf8' },
    )
    return { status, stdout, stderr }
  }

  it('inspects, verifies and prints a whole log', () => {
    const inspected = run('inspect', directory)
    expect(inspected.status).toBe(0)
    expect(inspected.stdout).toMatch(/0000000000000001\.wal +full +1 +2 +2 +3264 +4096/)
    expect(inspected.stdout).toContain('records    9 not released, the last is 9')
    expect(inspected.stdout).toContain('state      whole, closed in order')
    expect(run('verify', directory)).toMatchObject({ status: 0, stdout: expect.stringContaining('whole') })
    const { stdout } = run('tail', directory, '--from', '8', '--once')
    expect(stdout.split('\n').map((line) => line.slice(0, 15))).toEqual([
      '8\t1500\trecord 8',
      '9\t1500\trecord 9',
      '',
    ])
  })

  it('says what is wrong, with exit 1, and how it is used, with exit 2', async () => {
    await flip(segment(2), 1700)
    expect(run('verify', directory)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`SE_LOG_DAMAGED: ${segment(2)} is damaged at byte`),
    })
    expect(run('tail', directory, '--once')).toMatchObject({ status: 1 })
    expect(run('look', directory)).toMatchObject({ status: 2, stderr: expect.stringContaining('usage') })
  })
})
