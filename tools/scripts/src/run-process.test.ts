import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runNode } from './run-process.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'se-run-process-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

function script(name: string, text: string): string {
  const file = path.join(directory, name)
  writeFileSync(file, text)
  return file
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A process that was killed stays in the table until its parent, or whoever took it over, has asked for it.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('a program that is run', () => {
  it('tells how it ended and what it printed', async () => {
    const file = script('a.mjs', `console.log('out'); console.error('err'); process.exitCode = 3`)
    const { exitCode, output } = await runNode(file, [], { quiet: true })
    expect(exitCode).toBe(3)
    expect(output).toContain('out\n')
    expect(output).toContain('err\n')
  })

  it('is ended at its limit together with what it has started, also what is in an endless loop', async () => {
    const loop = script('loop.mjs', 'for (;;);')
    const pidFile = path.join(directory, 'pid')
    const parent = script(
      'parent.mjs',
      `import { spawn } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      const { pid } = spawn(process.execPath, [${JSON.stringify(loop)}], { stdio: 'inherit' })
      writeFileSync(${JSON.stringify(pidFile)}, String(pid))`,
    )
    const { exitCode } = await runNode(parent, [], { quiet: true, timeoutMs: 2_000 })
    expect(exitCode).toBe(137)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    for (let count = 0; isAlive(pid) && count < 100; count++) await delay(20)
    expect(isAlive(pid)).toBe(false)
  })
})
