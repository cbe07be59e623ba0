import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { workspaceRoot } from './run-process.ts'

/** Goal: a slip on the command line is answered in one sentence. Method: the programs themselves, in processes of their own. */
describe('a wrong command line', () => {
  it.each([
    ['tools/scripts/src/torture.ts', ['--bogus'], "Unknown option '--bogus'"],
    [
      'tools/scripts/src/torture.ts',
      ['--minutes', 'x'],
      "--minutes: must be a number from 0 to 10080, not 'x'",
    ],
    ['tools/scripts/src/torture.ts', ['--seed', '1.5'], '--seed: must be a whole number'],
    ['tools/scripts/src/torture.ts', ['--only', 'nobody'], '--only: no area nobody; there are: '],
    ['tools/scripts/src/mutants.ts', ['--bogus'], "Unknown option '--bogus'"],
    ['tools/bench/src/cli.ts', ['--bogus'], "Unknown option '--bogus'"],
    ['tools/bench/src/cli.ts', ['--goals', 'not-there.json'], '--goals: ENOENT'],
  ])('of %s %j ends it with what is wrong and the usage, and exit code 1', (file, parameters, sentence) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@se/source', file, ...parameters],
      { cwd: workspaceRoot, encoding: 'utf8' },
    )
    expect(stderr).toContain(sentence)
    expect(stderr).toMatch(/^usage: npm run (torture|mutants|bench) /m)
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  })
})
