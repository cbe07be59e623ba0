/**
 * Goal: every edge between packages points down, and nobody can draw one that does not without noticing.
 * Method: the edges Nx sees are compared with the list below, which repeats the one in eslint.config.mjs on purpose; then texts
 * that break a rule are linted as if they stood in a real file.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Layer and direct dependencies of what is published or run. The kits for tests and benches are looked at apart. */
const architecture: Record<string, { layer: number; seen: string[] }> = {
  core: { layer: 0, seen: [] },
  merkle: { layer: 1, seen: ['core'] },
  cuckoo: { layer: 1, seen: ['core'] },
  wal: { layer: 2, seen: ['core'] },
  'tiers-redis': { layer: 2, seen: ['core', 'merkle'] },
  'tiers-mysql': { layer: 2, seen: ['core', 'merkle'] },
  engine: { layer: 3, seen: ['core', 'cuckoo', 'merkle', 'wal'] },
  metrics: { layer: 4, seen: ['core', 'engine', 'wal'] },
  compose: { layer: 5, seen: ['core', 'engine', 'metrics', 'tiers-mysql', 'tiers-redis'] },
  demo: { layer: 6, seen: ['compose', 'core', 'engine', 'merkle', 'metrics', 'tiers-mysql', 'tiers-redis'] },
  server: { layer: 6, seen: ['compose', 'core', 'engine', 'metrics', 'wal'] },
}
const kits = ['bench', 'testkit']
const tools = ['model', 'scripts', 'system-tests']

interface Graph {
  readonly nodes: Record<
    string,
    { readonly data: { readonly root: string; readonly tags?: readonly string[] } }
  >
  readonly dependencies: Record<string, readonly { readonly target: string }[]>
}

let graph: Graph
let eslint: ESLint

/** Rules and messages that a text in this existing file would meet. */
async function lint(file: string, text: string): Promise<{ rule: string | null; message: string }[]> {
  const [result] = await eslint.lintText(text, { filePath: path.join(root, file) })
  return result!.messages.map(({ ruleId, message }) => ({ rule: ruleId, message }))
}

beforeAll(() => {
  const directory = mkdtempSync(path.join(tmpdir(), 'se-graph-'))
  try {
    const file = path.join(directory, 'graph.json')
    // Also leaves the graph in Nx's cache, where the boundaries rule reads it; without it the rule would let everything pass.
    execFileSync(
      process.execPath,
      [createRequire(import.meta.url).resolve('nx/bin/nx.js'), 'graph', `--file=${file}`],
      {
        cwd: root,
        env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    graph = (JSON.parse(readFileSync(file, 'utf8')) as { graph: Graph }).graph
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  eslint = new ESLint({ cwd: root })
})

describe('the graph of projects', () => {
  it('has the projects of the architecture, the kits and the tools, and no others', () => {
    expect(Object.keys(graph.nodes).toSorted()).toEqual(
      [...Object.keys(architecture), ...kits, ...tools].toSorted(),
    )
  })

  it('has layer, scope and type on every project, because an untagged one would be free of all arrows', () => {
    for (const [name, { data }] of Object.entries(graph.nodes)) {
      const tags = data.tags ?? []
      expect(tags, name).toContain(`scope:${name}`)
      expect(
        tags.filter((tag) => tag.startsWith('layer:')),
        name,
      ).toHaveLength(1)
      expect(
        tags.filter((tag) => tag.startsWith('type:')),
        name,
      ).toHaveLength(1)
    }
    for (const [name, { layer }] of Object.entries(architecture)) {
      expect(graph.nodes[name]?.data.tags, name).toContain(`layer:${layer}`)
    }
  })

  it('has a test of its types for every published package: what a compiler says is part of a face', () => {
    const packages = Object.values(graph.nodes).map(({ data }) => data.root)
    const published = packages.filter((directory) => directory.startsWith('packages/'))
    const faces = published.map((directory) => `${directory}/test/${path.basename(directory)}.test-d.ts`)
    expect(published.length).toBeGreaterThan(7)
    expect(faces.filter((file) => !existsSync(path.join(root, file)))).toEqual([])
  })

  it('has exactly the edges of the architecture, all pointing down', () => {
    for (const [name, { layer, seen }] of Object.entries(architecture)) {
      const targets = new Set(graph.dependencies[name]?.map(({ target }) => target))
      const engineTargets = [...targets].filter((target) => target in architecture)
      expect(engineTargets.toSorted(), name).toEqual(seen)
      for (const target of engineTargets)
        expect(architecture[target]!.layer, `${name} to ${target}`).toBeLessThan(layer)
      for (const tool of tools) expect(targets, name).not.toContain(tool)
    }
  })

  it('lets the kits know core at most, so that a package may use them in its tests', () => {
    const targetsOf = (name: string) =>
      graph.dependencies[name]!.map(({ target }) => target).filter((target) => !target.startsWith('npm:'))
    expect(targetsOf('bench')).toEqual([])
    expect(targetsOf('testkit')).toEqual(['core'])
  })

  it('gives no published package a kit at run time', () => {
    for (const [name, { data }] of Object.entries(graph.nodes)) {
      if (data.tags?.includes('type:package') !== true) continue
      const manifest = JSON.parse(readFileSync(path.join(root, data.root, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>
        private?: boolean
      }
      expect(manifest.private, name).toBeUndefined()
      for (const kit of kits) expect(manifest.dependencies ?? {}, name).not.toHaveProperty(`@se/${kit}`)
    }
  })
})

describe('lint', () => {
  const boundaries = '@nx/enforce-module-boundaries'
  const restricted = '@typescript-eslint/no-restricted-imports'

  it.each([
    ['packages/core/src/index.ts', '@se/engine'],
    ['packages/merkle/src/index.ts', '@se/wal'],
    ['packages/cuckoo/src/index.ts', '@se/merkle'],
    ['packages/wal/src/index.ts', '@se/cuckoo'],
    ['packages/tiers-redis/src/index.ts', '@se/tiers-mysql'],
    ['packages/engine/src/index.ts', '@se/tiers-mysql/sqlite'],
    ['packages/engine/src/index.ts', '@se/metrics'],
    ['packages/metrics/src/index.ts', '@se/cuckoo'],
    ['packages/metrics/src/index.ts', '@se/compose'],
    ['apps/compose/src/index.ts', '../../server/src/serve.ts'],
  ])('refuses that %s imports %s', async (file, target) => {
    const messages = await lint(file, `export * from '${target}'\n`)
    expect(messages.map(({ rule }) => rule)).toContain(boundaries)
  })

  it('fails where the graph of the projects is missing, because without it every import would pass', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'se-no-graph-'))
    try {
      const { status, stderr } = spawnSync(
        process.execPath,
        [path.join(root, 'node_modules/eslint/bin/eslint.js'), 'packages/wal/src/index.ts'],
        { cwd: root, env: { ...process.env, NX_WORKSPACE_DATA_DIRECTORY: directory }, encoding: 'utf8' },
      )
      expect(stderr).toContain('run `npx nx show projects`')
      expect(status).toBe(2)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('allows the arrows that point down', async () => {
    for (const [file, target] of [
      ['packages/merkle/src/index.ts', '@se/core'],
      ['packages/engine/src/index.ts', '@se/wal'],
      ['packages/metrics/src/index.ts', '@se/engine'],
      ['apps/compose/src/index.ts', '@se/tiers-redis'],
      ['apps/server/src/main.ts', '@se/compose'],
    ] as const) {
      const messages = await lint(file, `export * from '${target}'\n`)
      expect(
        messages.filter(({ rule }) => rule === boundaries || rule === restricted),
        file,
      ).toEqual([])
    }
  })

  it('refuses a path into another package, because only its exports are its face', async () => {
    const messages = await lint('packages/wal/src/index.ts', `export * from '../../core/src/item.ts'\n`)
    expect(messages.map(({ rule }) => rule)).toContain(boundaries)
  })

  it.each(['node:fs', 'fs/promises', 'crypto'])(
    'refuses %s in a pure file, and names what to take instead',
    async (module) => {
      for (const file of [
        'packages/core/src/index.ts',
        'packages/merkle/src/index.ts',
        'packages/cuckoo/src/index.ts',
      ]) {
        const messages = await lint(file, `export * from '${module}'\n`)
        const found = messages.find(({ rule }) => rule === restricted)
        expect(found?.message, file).toContain('@se/core/node')
      }
    },
  )

  it.each([
    ['Date.now()', 'no-restricted-properties'],
    ['Math.random()', 'no-restricted-properties'],
    ['performance.now()', 'no-restricted-globals'],
    ['Buffer.alloc(1)', 'no-restricted-globals'],
  ])('refuses %s in a pure file', async (expression, rule) => {
    const messages = await lint('packages/merkle/src/index.ts', `export const value = ${expression}\n`)
    expect(messages.map((message) => message.rule)).toContain(rule)
  })

  it('allows Node modules where the Node implementations live', async () => {
    const messages = await lint('packages/core/src/node/index.ts', `export * from 'node:path'\n`)
    expect(messages).toEqual([])
  })

  it('refuses the test kit outside of tests, and a promise nobody waits for', async () => {
    const kit = await lint('packages/wal/src/index.ts', `export * from '@se/testkit'\n`)
    expect(kit.map(({ rule }) => rule)).toContain(restricted)
    const floating = await lint(
      'packages/wal/src/index.ts',
      `export const run = () => { Promise.resolve(1) }\n`,
    )
    expect(floating.map(({ rule }) => rule)).toContain('@typescript-eslint/no-floating-promises')
  })
})
