/**
 * Goal: the package works for a stranger: installed from its tarball and core's in an empty folder, in Node, in the compiler and in a
 * browser bundle.
 * Method: both packages are copied, built and packed elsewhere, so that no other run's dist is touched, and installed without a network.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const packages = ['core', 'cuckoo']
const workspace = mkdtempSync(path.join(tmpdir(), 'se-packed-'))
const stranger = path.join(workspace, 'stranger')

function run(file: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** Runs a command that an installed package brings. */
function runBin(name: string, script: string, args: readonly string[], cwd: string): string {
  return run(process.execPath, [path.join(root, 'node_modules', name, script), ...args], cwd)
}

beforeAll(() => {
  for (const file of readdirSync(root).filter((name) => /^tsconfig.*\.json$|^tsup\.shared\.ts$/.test(name))) {
    cpSync(path.join(root, file), path.join(workspace, file))
  }
  const modules = path.join(workspace, 'node_modules')
  mkdirSync(path.join(modules, '@se'), { recursive: true })
  for (const name of readdirSync(path.join(root, 'node_modules'))) {
    if (name !== '@se') symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name))
  }
  for (const name of packages) {
    const target = path.join(workspace, 'packages', name)
    mkdirSync(target, { recursive: true })
    for (const part of [
      'src',
      'package.json',
      'README.md',
      'LICENSE',
      'tsup.config.ts',
      'tsconfig.build.json',
    ]) {
      const source = path.join(root, 'packages', name, part)
      if (existsSync(source)) cpSync(source, path.join(target, part), { recursive: true })
    }
    symlinkSync(target, path.join(modules, '@se', name))
  }
  mkdirSync(stranger)
  writeFileSync(path.join(stranger, 'package.json'), '{ "private": true, "type": "module" }\n')
  const tarballs = packages.map((name) => {
    const directory = path.join(workspace, 'packages', name)
    runBin('tsup', 'dist/cli-default.js', [], directory)
    runBin('typescript', 'bin/tsc', ['-p', 'tsconfig.build.json'], directory)
    const [packed] = JSON.parse(
      run('npm', ['pack', '--json', '--pack-destination', workspace], directory),
    ) as [{ filename: string }]
    return path.join(workspace, packed.filename)
  })
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], stranger)
}, 180_000)

afterAll(() => rmSync(workspace, { recursive: true, force: true }))

const SCRIPT = `
import { CuckooFilter, StaticCuckooFilter, CorruptSnapshot } from '@se/cuckoo'
const filter = CuckooFilter.create({ capacity: 100, falsePositiveRate: 0.001 })
for (let key = 0; key < 5000; key++) filter.add('key.' + key)
const { filter: restored } = CuckooFilter.fromSnapshot(filter.toSnapshot())
let denied = 0
for (let key = 0; key < 5000; key++) if (!restored.has('key.' + key)) denied++
const fixed = StaticCuckooFilter.create({ capacity: 100, falsePositiveRate: 0.001 })
console.log(denied, restored.delete('key.1'), restored.count, fixed.add('a'), CorruptSnapshot.prototype instanceof Error)
`
const EXPECTED = '0 true 4999 added true\n'

describe('@se/cuckoo from its tarball', () => {
  it('brings nothing but itself and core', () => {
    expect(readdirSync(path.join(stranger, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      '@se',
    ])
    expect(readdirSync(path.join(stranger, 'node_modules/@se')).toSorted()).toEqual(packages)
  })

  it('runs in Node', () => {
    writeFileSync(path.join(stranger, 'run.js'), SCRIPT)
    expect(run(process.execPath, ['run.js'], stranger)).toBe(EXPECTED)
  })

  it('type-checks for a strict caller without Node types', () => {
    writeFileSync(
      path.join(stranger, 'use.ts'),
      `import { CuckooFilter, type Restored } from '@se/cuckoo'
      const filter: CuckooFilter = CuckooFilter.create({ capacity: 1, falsePositiveRate: 0.01, seed: 7 })
      const restored: Restored<CuckooFilter> = CuckooFilter.fromSnapshot(filter.toSnapshot(Uint8Array.of(1)))
      export const sum: bigint = restored.filter.sum
      // @ts-expect-error the capacity is needed
      CuckooFilter.create({ falsePositiveRate: 0.01 })\n`,
    )
    writeFileSync(
      path.join(stranger, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { noEmit: true, strict: true, module: 'nodenext', target: 'es2022', types: [] },
        files: ['use.ts'],
      }),
    )
    expect(runBin('typescript', 'bin/tsc', ['-p', '.'], stranger)).toBe('')
  })

  it('runs from a browser bundle of the size the README states', async () => {
    writeFileSync(path.join(stranger, 'all.js'), `export * from '@se/cuckoo'\n`)
    const bundle = async (entry: string) => {
      const { output } = (await build({
        root: stranger,
        configFile: false,
        logLevel: 'silent',
        build: {
          write: false,
          minify: true,
          target: 'es2022',
          modulePreload: false,
          rolldownOptions: { input: path.join(stranger, entry), preserveEntrySignatures: 'strict' },
        },
      })) as Rolldown.RolldownOutput
      expect(output).toHaveLength(1)
      return output[0].code
    }
    const all = await bundle('all.js')
    expect(all).not.toMatch(/node:|require\(|process\.|\bBuffer\b/)
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const stated = /([\d.]+) kB minified, ([\d.]+) kB gzipped/.exec(readme)!
    for (const [actual, text] of [
      [all.length / 1000, stated[1]],
      [gzipSync(all).length / 1000, stated[2]],
    ] as const) {
      expect(actual).toBeLessThan(Number(text) * 1.05)
      expect(actual).toBeGreaterThan(Number(text) * 0.95)
    }

    // Without anything of Node's but the language.
    writeFileSync(path.join(stranger, 'bundle.js'), await bundle('run.js'))
    expect(run(process.execPath, ['bundle.js'], stranger)).toBe(EXPECTED)
  })
})
