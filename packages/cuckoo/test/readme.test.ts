/** Goal: what the README shows runs, and prints what it says. Each `ts` block runs as a program of its own. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)

describe('README', () => {
  it('has code blocks', () => expect(blocks.length).toBeGreaterThanOrEqual(3))

  it.each(blocks)('runs and prints what its comments say: %#', (code) => {
    const printed = execFileSync(
      process.execPath,
      ['--conditions=@se/source', '--input-type=module-typescript', '--eval', code],
      {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    expect(said.length).toBeGreaterThan(0)
    expect(printed.trimEnd().split('\n')).toEqual(said)
  })
})
