import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKillableProcess } from '@se/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLog, type Log } from '../src/index.ts'

/**
 * Goal: what is awaited keeps the process alive until it has its answer, and nothing else does. Method: a bare script in a process of its own,
 * which must come to its end by itself.
 */

let directory: string
let log: Log | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-wal-end-'))
})

afterEach(async () => {
  await log?.close()
  log = undefined
  await rm(directory, { recursive: true, force: true })
})

const run = async (scenario: string) => {
  const file = new URL('./bare-script.ts', import.meta.url)
  const child = startKillableProcess({ file, args: [scenario, directory] })
  const { code, signal } = await child.ended
  return { code, signal, lines: child.lines, stderr: child.stderr }
}

describe('a script that awaits the log [P70] [W10]', () => {
  it.each([
    ['whole', 'end 50'],
    ['backlog', 'end SE_LOG_FULL'],
    ['full disk', 'end SE_LOG_FULL'],
    ['disk with room after a while', 'end 4'],
    ['failing disk', 'end SE_LOG_FAILED'],
    ['nobody closes it', 'end true'],
  ])('comes to its end: %s', async (scenario, line) => {
    expect(await run(scenario)).toEqual({ code: 0, signal: null, lines: [line], stderr: '' })
  })

  it('comes to its end: a holder that cannot be judged', async () => {
    log = await openLog({ directory })
    const names = await readdir(directory)
    await rm(
      join(
        directory,
        names.find((name) => name.endsWith('.sock'))!,
      ),
    )
    expect(await run('a holder that cannot be judged')).toMatchObject({ lines: ['end SE_LOG_LOCKED'] })
  })
})
