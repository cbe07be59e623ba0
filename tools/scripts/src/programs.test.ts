import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { workspaceRoot } from './run-process.ts'

/**
 * Goal: every program says what it does and which version it is, and a slip on its command line is answered in one
 * sentence. Method: the programs themselves, in processes of their own.
 */

const PROGRAMS = [
  { file: 'tools/scripts/src/torture.ts', name: 'npm run torture --' },
  { file: 'tools/scripts/src/mutants.ts', name: 'npm run mutants --' },
  { file: 'tools/scripts/src/bench.ts', name: 'npm run bench --' },
  { file: 'tools/scripts/src/check.ts', name: 'npm run check --' },
  { file: 'tools/scripts/src/new.ts', name: 'npm run new --' },
  { file: 'tools/scripts/src/sim.ts', name: 'npm run sim --' },
  { file: 'tools/scripts/src/run-tests.ts', name: 'npm test --', passesOn: true },
  {
    file: 'tools/scripts/src/check-promises.ts',
    name: 'node tools/bootstrap.mjs tools/scripts/src/check-promises.ts',
  },
  { file: 'tools/model/src/main.ts', name: 'npm run model --' },
  { file: 'tools/testkit/src/cli.ts', name: 'npm run services --' },
  { file: 'packages/wal/src/cli.ts', name: 'se-wal', usageExitCode: 2 },
]

const { version, scripts } = JSON.parse(readFileSync(path.join(workspaceRoot, 'package.json'), 'utf8')) as {
  version: string
  scripts: Record<string, string>
}

function run(file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@se/source', file, ...args], {
    cwd: workspaceRoot,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe.each(PROGRAMS)('$name [P77]', ({ file, name, passesOn = false, usageExitCode = 1 }) => {
  it('says with --help how it is called, what it does and what there is', () => {
    const { status, stdout, stderr } = run(file, '--help')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.startsWith(`usage: ${name}`)).toBe(true)
    expect(stdout).toMatch(/^ {2}--version +Prints the version\.$/m)
  })

  it('says its version', () => {
    expect(run(file, '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  })

  // What passes its arguments on does not know which there are.
  if (passesOn) return
  it('refuses an option that it has not, by name, and says which it has', () => {
    const { status, stdout, stderr } = run(file, '--bogus')
    expect({ status, stdout }).toEqual({ status: usageExitCode, stdout: '' })
    expect(stderr).toMatch(/^Unknown option '--bogus'; there are .*--help, --version\n/)
    expect(stderr).toContain(`\nusage: ${name}`)
    expect(stderr).not.toMatch(/^ {4}at /m)
  })
})

it('no script of package.json is left out [P77]', () => {
  const files = Object.values(scripts).flatMap(
    (script) => /^node tools\/bootstrap\.mjs (\S+)$/.exec(script)?.[1] ?? [],
  )
  const known = PROGRAMS.map(({ file }) => file)
  expect(files.filter((file) => !file.startsWith('apps/') && !known.includes(file))).toEqual([])
})

describe('a wrong command line', () => {
  it.each([
    [
      'tools/scripts/src/torture.ts',
      ['--minutes', 'x'],
      "--minutes: must be a number from 0 to 10080, not 'x'",
    ],
    ['tools/scripts/src/torture.ts', ['--seed', '1.5'], '--seed: must be a whole number'],
    ['tools/scripts/src/torture.ts', ['--only', 'nobody'], '--only: no area nobody; there are: '],
    [
      'tools/scripts/src/mutants.ts',
      ['--only', 'nobody'],
      "--only: no package 'nobody' has mutants; there are ",
    ],
    ['tools/scripts/src/bench.ts', ['--goals', 'not-there.json'], '--goals: ENOENT'],
    [
      'tools/scripts/src/bench.ts',
      ['--only', 'nobody.'],
      "--only: no case begins with 'nobody.'; there are ",
    ],
    ['tools/scripts/src/sim.ts', ['--replay', 'not-there.json'], '--replay not-there.json: ENOENT'],
    [
      'tools/scripts/src/sim.ts',
      ['--replay', 'package.json'],
      "package.json: format: must be 'se-simulation 1'",
    ],
    ['tools/model/src/main.ts', ['--run', 'nobody'], "--run: no run begins with 'nobody'"],
    ['tools/testkit/src/cli.ts', ['up', 'down'], "Unexpected argument 'down'"],
    ['packages/wal/src/cli.ts', ['verify', '.', '--once'], '--once: is for tail, not for verify'],
    ['packages/wal/src/cli.ts', ['verify'], 'DIR is missing'],
  ])('of %s %j ends it with what is wrong and the usage', (file, parameters, sentence) => {
    const { status, stdout, stderr } = run(file, ...parameters)
    expect(stderr).toContain(sentence)
    expect(stderr).toMatch(/^usage: /m)
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect(stdout).toBe('')
    expect(status).toBeGreaterThan(0)
  })
})

it('a program ends without a word when nobody reads on [P77]', async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=@se/source', 'tools/scripts/src/sim.ts', '--seed', '3', '--count', '1000', '--show'],
    { cwd: workspaceRoot, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.once('data', () => child.stdout.destroy())
  expect({ code: await once(child, 'close'), stderr }).toEqual({ code: [141, null], stderr: '' })
})
