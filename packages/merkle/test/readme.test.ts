/** Goal: what the README shows runs, and prints what it says. Each `ts` block runs as a program of its own. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import * as merkle from '../src/index.ts'

const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8')
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)

describe('README', () => {
  it('has code blocks, and names only what the package exports', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(2)
    const imported = blocks.flatMap((code) =>
      [...code.matchAll(/import \{([^}]*)\} from '@se\/merkle'/g)].flatMap(([, names]) =>
        names!.split(',').map((name) => name.trim()),
      ),
    )
    expect(Object.keys(merkle)).toEqual(expect.arrayContaining(imported))
  })

  it.each(blocks)('runs and prints what its comments say: %#', (code) => {
    const printed = execFileSync(
      process.execPath,
      ['--conditions=@se/source', '--input-type=module-typescript', '--eval', code],
      { cwd: path.join(import.meta.dirname, '..'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
    expect(said.length).toBeGreaterThan(0)
    expect(printed.trimEnd().split('\n')).toEqual(said)
  })
})
