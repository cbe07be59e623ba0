/**
 * Goal: the package works for a stranger, installed from its tarball, core's and that of @noble/hashes in an empty folder: in Node, in
 * the compiler, and in a browser bundle of the size that the README states.
 * Method: built and packed from copies, so that no other run's dist is touched, and installed without a network.
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
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../../..')
const workspace = mkdtempSync(path.join(tmpdir(), 'se-packed-merkle-'))
const stranger = path.join(workspace, 'stranger')

beforeAll(() => {
  for (const file of readdirSync(root).filter((name) => /^tsconfig.*\.json$|^tsup\.shared\.ts$/.test(name))) {
    cpSync(path.join(root, file), path.join(workspace, file))
  }
  const modules = path.join(workspace, 'node_modules')
  mkdirSync(path.join(modules, '@se'), { recursive: true })
  for (const name of readdirSync(path.join(root, 'node_modules'))) {
    if (name !== '@se') symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name))
  }
  const tarballs = ['core', 'merkle'].map((name) => {
    const [source, target] = [path.join(root, 'packages', name), path.join(workspace, 'packages', name)]
    mkdirSync(target, { recursive: true })
    for (const part of [
      'src',
      'package.json',
      'README.md',
      'LICENSE',
      'tsup.config.ts',
      'tsconfig.build.json',
    ]) {
      if (existsSync(path.join(source, part)))
        cpSync(path.join(source, part), path.join(target, part), { recursive: true })
    }
    if (existsSync(path.join(source, 'node_modules'))) {
      symlinkSync(path.join(source, 'node_modules'), path.join(target, 'node_modules'))
    }
    symlinkSync(target, path.join(modules, '@se', name))
    runBin('tsup', 'dist/cli-default.js', [], target)
    runBin('typescript', 'bin/tsc', ['-p', 'tsconfig.build.json'], target)
    return pack(target)
  })
  tarballs.push(pack(path.join(root, 'packages/merkle/node_modules/@noble/hashes')))
  mkdirSync(stranger)
  writeFileSync(path.join(stranger, 'package.json'), '{ "private": true, "type": "module" }\n')
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], stranger)
  writeFileSync(path.join(stranger, 'run.js'), SCRIPT)
}, 180_000)

afterAll(() => rmSync(workspace, { recursive: true, force: true }))

const SCRIPT = `
import { createRowDigester, diff, DigestTree, treeSource } from '@se/merkle'
const branches = { prefixes: ['', 'user.'], branchOf: (id) => (id.startsWith('user.') ? 1 : 0) }
const digester = createRowDigester(new Uint8Array(16))
const row = (id) => ({ id, stamp: { time: 1, instance: 1 }, state: '', contentType: '', bytes: new Uint8Array(3) })
const entry = (id) => ({ id, previousDigest: undefined, digest: digester.digest(row(id)) })
const local = new DigestTree(branches)
for (let index = 0; index < 2000; index++) local.apply([entry('user.' + index)])
const remote = local.clone()
remote.apply([entry('else')])
const found = await diff(treeSource(local), treeSource(remote))
console.log(local.count, local.root().slice(0, 16), found.missing.length, found.roundTrips)
`
const EXPECTED = /^2000 [0-9a-f]{16} 1 2\n$/

describe('@se/merkle from its tarball', () => {
  it('brings itself, core and the portable SHA-256, and nothing else', () => {
    const installed = readdirSync(path.join(stranger, 'node_modules')).filter((name) => !name.startsWith('.'))
    expect(installed.toSorted()).toEqual(['@noble', '@se'])
    expect(readdirSync(path.join(stranger, 'node_modules/@se')).toSorted()).toEqual(['core', 'merkle'])
    expect(readdirSync(path.join(stranger, 'node_modules/@noble'))).toEqual(['hashes'])
  })

  it('runs in Node, and its contract suite with it', () => {
    expect(run(process.execPath, ['run.js'], stranger)).toMatch(EXPECTED)
    const suite = `
      import { memoryLeafStore } from '@se/merkle'
      import { LEAF_STORE_BRANCHES, leafStoreContract } from '@se/merkle/testing'
      for (const { run } of leafStoreContract) await run(memoryLeafStore(LEAF_STORE_BRANCHES))
      console.log(leafStoreContract.length > 8)`
    expect(run(process.execPath, ['--input-type=module', '--eval', suite], stranger)).toBe('true\n')
  })

  it('type-checks for a strict caller without Node types', () => {
    writeFileSync(
      path.join(stranger, 'use.ts'),
      `import { createBranchSet } from '@se/core'
      import { diff, DigestTree, type LeafStore, memoryLeafStore, type Sha256, type TreeDiff, treeSource } from '@se/merkle'
      import { leafStoreContract } from '@se/merkle/testing'
      const sha256: Sha256 = () => ''
      const tree = new DigestTree(createBranchSet(['user.']), { sha256 })
      const store: LeafStore = memoryLeafStore(tree.branches)
      export const found: Promise<TreeDiff> = diff(treeSource(tree), store)
      export const titles: string[] = leafStoreContract.map(({ title }) => title)
      // @ts-expect-error a page is bytes
      tree.setPage(0, 0, 'text')\n`,
    )
    const compilerOptions = {
      noEmit: true,
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2023'],
      types: [],
    }
    writeFileSync(
      path.join(stranger, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.ts'] }),
    )
    expect(runBin('typescript', 'bin/tsc', ['-p', '.'], stranger)).toBe('')
  })

  it('runs from a browser bundle of the size the README states, with the same root as in Node', async () => {
    writeFileSync(path.join(stranger, 'all.js'), `export * from '@se/merkle'\n`)
    const all = await bundle('all.js')
    expect(all).not.toMatch(/node:|require\(|process\.|\bBuffer\b/)
    const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8')
    const stated = /([\d.]+) kB minified, ([\d.]+) kB gzipped/.exec(readme)!
    const actual = [all.length / 1_000, gzipSync(all).length / 1_000]
    for (const [index, size] of actual.entries()) {
      expect(size / Number(stated[index + 1]), `kB: ${actual.join(', ')}`).toBeGreaterThan(0.95)
      expect(size / Number(stated[index + 1]), `kB: ${actual.join(', ')}`).toBeLessThan(1.05)
    }
    writeFileSync(path.join(stranger, 'bundle.js'), await bundle('run.js'))
    expect(run(process.execPath, ['bundle.js'], stranger)).toBe(run(process.execPath, ['run.js'], stranger))
  })
})

async function bundle(entry: string): Promise<string> {
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

function pack(directory: string): string {
  const packed = run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', workspace],
    directory,
  )
  return path.join(workspace, (JSON.parse(packed) as [{ filename: string }])[0].filename)
}

function run(file: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** Runs a command that an installed package brings. */
function runBin(name: string, script: string, args: readonly string[], cwd: string): string {
  return run(process.execPath, [path.join(root, 'node_modules', name, script), ...args], cwd)
}
