import { mkdir, readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { createBranchSet } from '@se/core'
import { describe, expect, it, vi } from 'vitest'
import { findRedisServer } from '../src/private-redis.ts'
import { runDemo, withDirectory, type DemoRun } from './run-demo.ts'

// Each test runs whole processes, and the machine may be busy with others.
vi.setConfig({ testTimeout: 120_000 })

const SECTIONS = [
  'Configure',
  'Start',
  'Five entries',
  'Flush',
  'Existence',
  'Read back',
  'Engine metrics',
  'Filter and cache verified against the tree',
  'Where each item is',
  'Raw metrics',
  'Stop',
  'Clean up',
  'Look at the data',
]

function expectSuccess({ code, stdout, stderr }: DemoRun): void {
  expect(stderr).toBe('')
  expect(stdout).not.toContain('FAILED')
  expect(stdout).toMatch(/^Done: all \d+ checks hold$/m)
  expect(code).toBe(0)
}

function sectionsOf(stdout: string): string[] {
  return stdout.split('\n').filter((line) => SECTIONS.includes(line))
}

describe('the demo on SQLite alone', () => {
  it('shows every section, says that L2 is off, ends with 0 and leaves nothing', async () => {
    await withDirectory(async (directory) => {
      const run = await runDemo([], { hasRedis: false, env: { TMPDIR: directory } })
      expectSuccess(run)
      expect(sectionsOf(run.stdout)).toEqual(SECTIONS)
      expect(run.stdout).toMatch(
        /L2 cache +off: SE_REDIS_URL is not set, and there is no redis-server on PATH/,
      )
      expect(run.stdout).toMatch(/filter +trusted at cut \{archive [0-9a-f]{8}, 1: \d+\}/)
      expect(run.stdout).toMatch(/root of L3 +[0-9a-f]{64}$/m)
      expect(run.stdout).toContain('sync_engine_items_written_total{tier=L3} = 5')
      expect(run.stdout).not.toContain('\u001b')
      expect(await readdir(directory)).toEqual([])
    })
  })

  it('resolves SE_DATA_DIR against the folder of the user, and a second run there is trusted', async () => {
    await withDirectory(async (directory) => {
      const env = { SE_DATA_DIR: 'kept', INIT_CWD: directory }
      expectSuccess(await runDemo([], { hasRedis: false, env, cwd: '/' }))
      const files = await readdir(join(directory, 'kept'))
      expect(files).toEqual(expect.arrayContaining(['archive.sqlite', 'last-run.json', 'log']))
      const second = await runDemo([], { hasRedis: false, env, cwd: '/' })
      expectSuccess(second)
      expect(second.stdout).toMatch(
        /filter .*how snapshot, caught up batches 0, entries 5, trust trusted at cut/,
      )
      expect(second.stdout).toContain('as the last run left it; checked')
      expect(second.stdout).toContain('user.alice (v2)')

      // What is claimed is checked: with a damaged snapshot the start is as good, but not what was claimed.
      await truncate(join(directory, 'kept/log/filter.snapshot'), 1_000)
      const third = await runDemo([], { hasRedis: false, env, cwd: '/' })
      expect(third.code).toBe(1)
      expect(third.stdout).toContain(
        'FAILED: the filter comes from its snapshot; found: rebuilt, not snapshot',
      )
    })
  })

  it('refuses an archive with other branches by a typed error', async () => {
    await withDirectory(async (directory) => {
      const archive = sqliteArchive({ file: join(directory, 'archive.sqlite') })
      await archive.open({ branches: createBranchSet(['order.']), digests: 'keyed' })
      await archive.close()
      const { code, stderr } = await runDemo([], { hasRedis: false, env: { SE_DATA_DIR: directory } })
      expect(code).toBe(1)
      expect(stderr).toMatch(/BranchMismatch \(SE_BRANCH_MISMATCH\)/)
    })
  })

  it('finds a changed row, refuses trust, and puts the row back', async () => {
    await withDirectory(async (directory) => {
      const env = { SE_DATA_DIR: directory }
      const run = await runDemo(['plant', 'row'], { hasRedis: false, env })
      expectSuccess(run)
      expect(run.stdout).toContain('tree: untrusted: 1 difference, first user.alice')
      expect(run.stdout).toMatch(/differs +user\.alice: the row does not give its digest/)
      const next = await runDemo([], { hasRedis: false, env })
      expectSuccess(next)
      expect(next.stdout).toContain('as the last run left it; checked')
    })
  })

  it('never prints a password, and says in a line what is wrong [P49]', async () => {
    const env = { SE_SQL_URL: 'mysql://me:geheim%21@127.0.0.1:1/shop' }
    const { code, stdout, stderr } = await runDemo([], { hasRedis: false, env })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^TierUnavailable \(SE_TIER_UNAVAILABLE\): .*ECONNREFUSED/m)
    expect(stdout).toContain('127.0.0.1:1/shop')
    expect(stdout + stderr).not.toMatch(/geheim/)
  })

  it('fails, and says why, when the Redis it was given does not answer', async () => {
    const { code, stdout, stderr } = await runDemo([], {
      env: { SE_REDIS_URL: 'redis://:geheim@127.0.0.1:1' },
    })
    expect(code).toBe(1)
    expect(stdout).toContain('FAILED: the engine starts with all its tiers; found: redis')
    expect(stdout).toContain('taken by L3: 5, by L2: 0')
    expect(stdout + stderr).not.toMatch(/geheim/)
  })

  it('refuses command lines it does not know', async () => {
    const lines = [
      ['--bogus'],
      ['plant', 'tree'],
      ['plant', 'cache', 'more'],
      ['import', 'x', '--limit', '0'],
      ['walk'],
    ]
    const runs = await Promise.all(lines.map((line) => runDemo(line, { hasRedis: false })))
    expect(runs.map(({ code }) => code)).toEqual(lines.map(() => 1))
    expect(runs.map(({ stderr }) => stderr.trim().split('\n').at(-1))).toEqual([
      'UsageError: unknown: bogus; --help tells what there is',
      'UsageError: plant: where must be cache or row, not "tree"',
      'UsageError: unknown: more; --help tells what there is',
      'UsageError: --limit must be a whole number from 1, not "0"',
      'Unknown command walk',
    ])
  })

  it('says that planting in the cache needs one', async () => {
    const { code, stderr } = await runDemo(['plant', 'cache'], { hasRedis: false })
    expect(code).toBe(1)
    expect(stderr).toMatch(/InvalidConfig \(SE_INVALID_CONFIG\): SE_REDIS_URL: plant cache needs a Redis/)
  })
})

const redisServer = await findRedisServer()
if (redisServer === undefined && process.env['SE_REQUIRE_SERVERS'] === '1') {
  throw new Error('SE_REQUIRE_SERVERS=1, but there is no redis-server on PATH')
}

describe.skipIf(redisServer === undefined)(
  'the demo with a Redis of its own (needs redis-server on PATH)',
  () => {
    it('keeps the cache: the second run has nothing to repair, a planted difference is the only one repaired', async () => {
      await withDirectory(async (parent) => {
        const directory = join(parent, 'data')
        await mkdir(directory)
        const env = { SE_DATA_DIR: directory }
        const first = await runDemo([], { env })
        expectSuccess(first)
        expect(first.stdout).toContain('cache: 64 stripes made, as there was none')
        expect(first.stdout).toContain('the roots agree')

        const second = await runDemo([], { env })
        expectSuccess(second)
        expect(second.stdout).toContain('cache: nothing repaired')
        expect(second.stdout).toContain(
          'as the last run left it: root, filter snapshot and cache compared, nothing repaired; checked',
        )

        const planted = await runDemo(['plant', 'cache'], { env })
        expectSuccess(planted)
        expect(planted.stdout).toMatch(
          /cache: 1 stripe brought to the heads; 1 leaf behind \(leaf user\.#\d+\); 1 id removed \(user\.alice\)/,
        )
        expect(planted.stdout).toMatch(/shared: v4 \{"name":"Alice","role":"owner"\}/)

        const third = await runDemo([], { env })
        expectSuccess(third)
        expect(third.stdout).toContain('cache: nothing repaired')
        // The server has ended, and with it the note of its port.
        expect(await readdir(join(directory, 'redis'))).toEqual(['appendonlydir'])
      })
    })

    it('plants in a temporary run too', async () => {
      await withDirectory(async (directory) => {
        expectSuccess(await runDemo(['plant', 'cache'], { env: { TMPDIR: directory } }))
        expect(await readdir(directory)).toEqual([])
      })
    })
  },
)

it('describes itself in the package file as it is started here', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { nx } = JSON.parse(text) as { nx: { targets: { serve: { command: string } } } }
  expect(nx.targets.serve.command).toBe('node --conditions=@se/source apps/demo/src/main.ts')
})
