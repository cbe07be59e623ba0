/**
 * Goal: what a packed package lacks is seen, and not helped out by the workspace around it. Method: core, which depends on nothing, with
 * programs that are right and wrong.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { installPacked, NODE_TRACES, sizesOverStated, type Stranger } from './packed.ts'

describe('a package as a stranger gets it', () => {
  let stranger: Stranger
  beforeAll(() => {
    stranger = installPacked('core')
  }, 180_000)
  afterAll(() => {
    const folder = stranger.run('console.log(process.cwd())').trim()
    stranger.close()
    expect(existsSync(folder)).toBe(false)
  })

  it('has nothing beside it', () => {
    expect(stranger.installed).toEqual(['@se/core'])
    expect(() => stranger.run(`import 'vite'`)).toThrow(/ERR_MODULE_NOT_FOUND/)
    expect(() => stranger.run(`import '@se/core/no-such-entry'`)).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/)
  })

  it('runs, and is read by the compiler', () => {
    const script = `import { compareStamps } from '@se/core'\n`
    expect(
      stranger.run(`${script}console.log(typeof compareStamps, import.meta.resolve('@se/core'))`),
    ).toMatch(/^function file:.*\/se-packed-core-\w+\/node_modules\/@se\/core\/dist\/index\.js\n$/)
    expect(stranger.typeCheck(script)).toBe('')
    expect(stranger.typeCheck(`${script}compareStamps(1)`)).toMatch(/^use\.ts\(2,\d+\): error TS/)
    expect(stranger.typeCheck(`process.exit()`)).toMatch(/error TS/)
  })

  it('comes as one file for a browser, in which what only Node has would show', async () => {
    const pure = await stranger.bundle(`export * from '@se/core'`)
    expect(pure).not.toMatch(NODE_TRACES)
    expect(pure).not.toMatch(/from\s*["']@se/)
    expect(await stranger.bundle(`export * from '@se/core/node'`)).toMatch(NODE_TRACES)
  })

  it('throws what a command printed when it fails', () => {
    expect(() => stranger.run(`console.log('before'); throw new Error('after')`)).toThrow(/before[^]*after/)
    expect(() => installPacked('no-such-package')).toThrow(/no-such-package/)
  })

  it('leaves no folder behind when it cannot be had', () => {
    vi.stubEnv('TMPDIR', mkdtempSync(path.join(tmpdir(), 'se-packed-test-')))
    try {
      expect(() => installPacked('no-such-package')).toThrow()
      // npm then ends well, and nothing is there.
      vi.stubEnv('npm_config_package_lock_only', 'true')
      expect(() => installPacked('core')).toThrow(/node_modules/)
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith('se-pack'))).toEqual([])
    } finally {
      rmSync(tmpdir(), { recursive: true })
      vi.unstubAllEnvs()
    }
  }, 60_000)
})

describe('the size a README states', () => {
  it('is compared in both forms', () => {
    const bundle = 'x'.repeat(2_000)
    const { minified, gzipped } = sizesOverStated(bundle, 'It is 4.0 kB minified, 0.5 kB gzipped, with all.')
    expect(minified).toBe(0.5)
    expect(gzipped).toBeGreaterThan(0.03)
    expect(gzipped).toBeLessThan(0.1)
  })

  it('must be there', () => {
    expect(() => sizesOverStated('', 'It is small.')).toThrow(/states no size/)
  })
})
