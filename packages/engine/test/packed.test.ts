/**
 * Goal: the package works for a stranger: installed from its tarball and those of what it needs, in Node; and what it
 * is built of bears its own names [P77].
 */
import { installPacked, type Stranger } from '@se/testkit/packed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ENGINE = `
import { createEngine } from '@se/engine'
import { memoryArchive } from '@se/core/testing'
import { createRowDigester, DigestTree } from '@se/merkle'
const engine = createEngine({
  log: { directory: 'log' },
  archive: memoryArchive({
    digestRow: (write, key) => createRowDigester(key).digest(write),
    foldPages: () => [],
    clock: { nowMs: () => Date.now() },
    random: { bytes: (length) => new Uint8Array(length).fill(length), fraction: () => 0.5 },
    isExclusive: true,
  }),
})
await engine.start()
`

describe('@se/engine from its tarball', () => {
  let stranger: Stranger
  beforeAll(() => {
    stranger = installPacked('engine')
  }, 180_000)
  afterAll(() => stranger.close())

  it('brings nothing but itself and what it is made of', () => {
    expect(stranger.installed).toEqual([
      '@noble/hashes',
      '@se/core',
      '@se/cuckoo',
      '@se/engine',
      '@se/merkle',
      '@se/wal',
    ])
  })

  it('runs in Node, and shows an item as an Item', () => {
    const printed = stranger.run(`${ENGINE}
      await engine.submit('user.alice', { name: 'Alice' })
      const item = await engine.get('user.alice')
      console.log(item)
      console.log(JSON.parse(JSON.stringify(item)).value.name, (await engine.stop()).problems.length)`)
    expect(printed).toMatch(
      /^Item \{\n {2}id: 'user\.alice',\n {2}value: \{ name: 'Alice' \},\n[^]*\nAlice 0\n$/,
    )
  })

  it('has the simulated world as an entry of its own, which the main entry does not bring along', () => {
    const printed = stranger.run(`
      import * as main from '@se/engine'
      import { decodeScript, encodeScript, run, RULES, SimulationFailed, simulate, writeScript } from '@se/engine/testing'
      const script = writeScript({ seed: 2, steps: 60 })
      const { acknowledged, story } = await run(decodeScript(encodeScript(script)))
      const wrong = { actions: {}, check: ([engine]) => engine.submit('', 1) }
      const failure = await simulate({ seed: 2, steps: 5, application: () => wrong }).catch((error) => error)
      console.log(acknowledged > 0, story.length > 60, 'simulate' in main, 'stale' in RULES)
      // Both entries have the same classes.
      console.log(failure instanceof SimulationFailed, failure.rule.slice(0, 12), main.WrongPhase.name)`)
    expect(printed).toBe('true true false true\ntrue InvalidInput WrongPhase\n')
    // What the main entry loads, file by file.
    const loaded = stranger.run(`
      import { readFileSync } from 'node:fs'
      const files = new Set()
      const load = (url) => {
        if (files.has(url.href)) return
        files.add(url.href)
        for (const [, next] of readFileSync(url, 'utf8').matchAll(/from ['"](\\.[^'"]+)['"]/g)) load(new URL(next, url))
      }
      load(new URL(import.meta.resolve('@se/engine')))
      const text = [...files].map((file) => readFileSync(new URL(file), 'utf8')).join('')
      console.log(files.size > 0, text.includes('createPowerLossFileSystem'), text.includes('lost-history'))`)
    expect(loaded).toBe('true false false\n')
  })

  it.each(['engine', 'core', 'cuckoo', 'merkle', 'wal'])(
    'has the names of the classes of @se/%s as in the source',
    (name) => {
      const script = `
      import * as all from '@se/${name}'
      const classes = Object.entries(all).filter(([, value]) => /^class\\b/.test(String(value)))
      console.log(classes.length > 0, classes.filter(([name, { name: own }]) => name !== own))`
      expect(stranger.run(script)).toBe('true []\n')
    },
  )
})
