import { fileURLToPath } from 'node:url'
import { dropPrefix, uniqueDatabase, uniquePrefix, type UniqueDatabase } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runDemo } from './run-demo.ts'

// Each test runs whole processes, and the machine may be busy with others.
vi.setConfig({ testTimeout: 120_000 })

const PACKAGES = fileURLToPath(new URL('../../../testdata/debian-packages.ndjson.gz', import.meta.url))

describeWithServer('sql', 'the demo on MySQL or MariaDB', (sqlUrl) => {
  describeWithServer('redis', 'and Redis', (redisUrl) => {
    let database: UniqueDatabase
    let env: Record<string, string>
    const prefix = uniquePrefix()
    beforeAll(async () => {
      database = await uniqueDatabase(sqlUrl)
      env = { SE_SQL_URL: database.url, SE_REDIS_URL: redisUrl, SE_REDIS_PREFIX: prefix }
    })
    afterAll(async () => {
      await database?.drop()
      await dropPrefix(redisUrl, prefix)
    })

    it('runs twice; the second start is trusted and has nothing to repair', async () => {
      const runs = [await runDemo([], { env }), await runDemo([], { env })]
      for (const { code, stdout, stderr } of runs) {
        expect(stderr).toBe('')
        expect(stdout).toMatch(/^Done: all \d+ checks hold$/m)
        expect(code).toBe(0)
        expect(stdout).toContain('the roots agree')
      }
      expect(runs[1]!.stdout).toContain('cache: nothing repaired')
      expect(runs[1]!.stdout).toMatch(/filter trusted at cut \{archive [0-9a-f]{8}, 1: \d+\}/)
      const { password } = new URL(sqlUrl)
      if (password !== '') expect(runs[0]!.stdout).not.toContain(password)
    })

    it('finds both planted differences, and repairs only the one in the cache', async () => {
      const cache = await runDemo(['plant', 'cache'], { env })
      expect(cache.stderr).toBe('')
      expect(cache.stdout).toMatch(/1 leaf behind \(leaf user\.#\d+\); 1 id removed \(user\.alice\)\n/)
      expect(cache.code).toBe(0)
      const row = await runDemo(['plant', 'row'], { env })
      expect(row.stderr).toBe('')
      expect(row.stdout).toContain('tree: untrusted: 1 difference, first user.alice')
      expect(row.code).toBe(0)
    })

    it('imports real data: equal bytes in all tiers, equal roots, trusted filter', async () => {
      const { code, stdout, stderr } = await runDemo(['import', PACKAGES], { env })
      expect(stderr).toBe('')
      expect(stdout).toContain('14,547 lines: 14,547 ids, 0 repeated, 0 skipped')
      expect(stdout).toMatch(/^ {2}L1 .* 14,547 equal, 0 differ, 0 not there$/m)
      expect(stdout).toMatch(/^ {2}L3 .* 14,547 equal, 0 differ, 0 not there$/m)
      expect(stdout).toMatch(/^ {2}L2 .* 0 differ, /m)
      const [, archiveRoot] = /root of L3 +([0-9a-f]{64})/.exec(stdout)!
      const [, cacheRoot] = /root of L2 +([0-9a-f]{64})/.exec(stdout)!
      expect(cacheRoot).toBe(archiveRoot)
      expect(stdout).toMatch(/^ {2}filter: trusted at cut/m)
      expect(stdout).toMatch(/^Done: all \d+ checks hold$/m)
      expect(code).toBe(0)
    })
  })
})
