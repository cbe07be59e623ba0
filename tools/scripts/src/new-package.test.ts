/**
 * Goal: one command makes a package that keeps every rule of the house.
 * Method: the command itself in a copy of the workspace; then what a contributor would run, there.
 */
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { editsOf, planPackage, type KnownProject } from './new-package.ts'
import { packageBin, runNode, workspaceRoot, type ProcessResult } from './run-process.ts'
import { copyWorkspace } from './workspace-copy.ts'

const projects: readonly KnownProject[] = [
  { name: 'core', layer: 0, isPackage: true },
  { name: 'merkle', layer: 1, isPackage: true },
  { name: 'server', layer: 6, isPackage: false },
]
const plan = (name: string, sees = 'core') => planPackage({ name, about: 'x', sees }, projects, '0.1.0')

describe('a new package', () => {
  it('stands one layer above what it sees', () => {
    expect(plan('tiers-file', 'merkle,core')).toMatchObject({ layer: 2, sees: ['core', 'merkle'] })
    expect(plan('zero', '')).toMatchObject({ layer: 1, sees: [] })
  })

  it('names what it sees once, however often it was said', () => {
    expect(plan('fine', 'core, merkle,core')).toMatchObject({ layer: 2, sees: ['core', 'merkle'] })
  })

  it.each(['', ' ', 'two\nlines', 'a | b'])(
    'is not described by %j, which is no line of a table',
    (about) => {
      expect(() => planPackage({ name: 'fine', about, sees: 'core' }, projects, '0.1.0')).toThrow(/--about/)
    },
  )

  it.each([
    ['Tiers', 'core', /lower case words/],
    ['a--b', 'core', /lower case words/],
    ['../x', 'core', /lower case words/],
    ['x'.repeat(41), 'core', /40 characters/],
    ['server', 'core', /is there already/],
    ['fine', 'server', /no package 'server'; there are core, merkle/],
  ])('%s that sees %s is refused by what is wrong', (name, sees, message) => {
    expect(() => plan(name, sees)).toThrow(message)
  })

  it('says which place in the workspace it does not find', () => {
    expect(() => editsOf(plan('fine'))['eslint.config.mjs']!('const arrows = {}')).toThrow(
      /eslint\.config\.mjs: .* must stand there once/,
    )
  })
})

describe('npm run new -- package in a copy of the workspace', { timeout: 600_000 }, () => {
  let copy: string
  const run = (script: string, ...parameters: string[]): Promise<ProcessResult> =>
    runNode(script, parameters, { cwd: copy, quiet: true, timeoutMs: 500_000 })
  const passes = async (script: string, ...parameters: string[]) => {
    const { exitCode, output } = await run(script, ...parameters)
    expect(exitCode, output).toBe(0)
  }
  const target = (name: string) =>
    passes(packageBin('nx'), 'run', `tiers-file:${name}`, '--output-style=static', '--skip-nx-cache')

  beforeAll(async () => {
    copy = copyWorkspace('se-new-')
    await passes(
      'tools/scripts/src/new.ts',
      'package',
      'tiers-file',
      '--about',
      'An archive in one file.',
      '--sees',
      'core,merkle',
    )
  }, 120_000)
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  it('passes lint, with an arrow of its own', () => target('lint'))
  it('passes the compiler', () => target('typecheck'))
  it('passes its tests, the one of its tarball included', () =>
    passes(packageBin('vitest'), '--root', 'packages/tiers-file', 'run'))
  it('passes pack-check', () => target('pack-check'))

  it('has the form that CI asks for, and is named in the documents', async () => {
    const files = [
      'packages/tiers-file',
      'eslint.config.mjs',
      'tsconfig.json',
      'tools/system-tests/src/architecture.test.ts',
    ]
    await passes(packageBin('prettier'), '--check', ...files)
    for (const document of ['README.md', 'CHANGELOG.md', 'docs/ARCHITECTURE.md']) {
      expect(readFileSync(path.join(copy, document), 'utf8'), document).toContain('tiers-file')
    }
  })

  it('is in the lock as npm itself would write it', () => {
    const packages = (root: string) =>
      (
        JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
          packages: Record<string, object>
        }
      ).packages
    const names = Object.keys(packages(copy))
    expect(names).toEqual(names.toSorted((a, b) => a.localeCompare(b, 'en')))
    const { 'packages/tiers-file': made, 'node_modules/@se/tiers-file': link, ...others } = packages(copy)
    expect(others).toEqual(packages(workspaceRoot))
    const model = packages(copy)['packages/cuckoo']!
    expect(Object.keys(made!)).toEqual(Object.keys(model))
    expect(Object.keys(link!)).toEqual(Object.keys(packages(copy)['node_modules/@se/cuckoo']!))
  })

  it('is not made twice', async () => {
    const { exitCode, output } = await run('tools/scripts/src/new.ts', 'package', 'tiers-file')
    expect(output).toContain('tiers-file: is there already')
    expect(exitCode).toBe(1)
  })
})
