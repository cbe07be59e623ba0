import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
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

describe('a program that is run', () => {
  it('tells how it ended and what it printed', async () => {
    const file = script('a.mjs', `console.log('out'); console.error('err'); process.exitCode = 3`)
    const { exitCode, output } = await runNode(file, [], { quiet: true })
    expect(exitCode).toBe(3)
    expect(output).toContain('out\n')
    expect(output).toContain('err\n')
  })

  it.each([
    ['at its limit', 'await new Promise(() => setInterval(() => {}, 1_000))', 3_000, 137],
    ['by itself', 'process.exit(3)', 60_000, 3],
  ])(
    'that has a limit ends %s, and with it the endless loop that it has started',
    async (_, end, timeoutMs, code) => {
      const loop = script('loop.mjs', 'for (;;);')
      const pidFile = path.join(directory, 'pid')
      const parent = script(
        'parent.mjs',
        `import { spawn } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      const { pid } = spawn(process.execPath, [${JSON.stringify(loop)}], { stdio: 'inherit' })
      writeFileSync(${JSON.stringify(pidFile)}, String(pid))
      ${end}`,
      )
      // Whatever comes of this, the loop must not stay behind; while it lives, what it inherited keeps the run open.
      let hadToBeKilled = false
      const patience = setTimeout(() => {
        hadToBeKilled = true
        process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
      }, 15_000)
      const { exitCode } = await runNode(parent, [], { quiet: true, timeoutMs })
      clearTimeout(patience)
      expect(hadToBeKilled).toBe(false)
      expect(exitCode).toBe(code)
    },
  )
})
