/**
 * Goal: the package works for a stranger, installed from its tarball and core's in an empty folder: the library and the command.
 */
import { installPacked, type Stranger } from '@se/testkit/packed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

describe('@se/wal from its tarball', () => {
  let stranger: Stranger
  beforeAll(() => {
    stranger = installPacked('wal')
  }, 180_000)
  afterAll(() => stranger.close())

  it('has no class with a name that the build gave it [P77]', () => {
    expect(stranger.misnamedClasses).toEqual([])
  })

  it('brings nothing but itself and core', () => {
    expect(stranger.installed).toEqual(['@se/core', '@se/wal'])
  })

  it('appends, replays after reopening, and has a command that finds the log whole, and damage in it', () => {
    const printed = stranger.run(`
      import { spawnSync } from 'node:child_process'
      import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
      import { openLog } from '@se/wal'
      const limits = { segmentBytes: 65536 }
      const log = await openLog({ directory: 'log', limits })
      await log.append(Buffer.from('one'))
      await log.append([Buffer.from('two'), Buffer.from('three')])
      await log.close()
      const again = await openLog({ directory: 'log', limits })
      const texts = []
      for await (const { sequence, bytes } of again.replay()) texts.push(sequence + ' ' + Buffer.from(bytes))
      await again.close()
      console.log(again.recovery.outcome, texts.join(', '))
      const verify = () => spawnSync('node_modules/.bin/se-wal', ['verify', 'log']).status
      console.log(verify())
      const file = 'log/' + readdirSync('log').filter((name) => name.endsWith('.wal')).sort()[0]
      const bytes = readFileSync(file)
      bytes[64 + 64 + 4] ^= 1
      writeFileSync(file, bytes)
      console.log(verify())
      process.stdout.write(spawnSync('node_modules/.bin/se-wal', ['--version']).stdout)
    `)
    expect(printed).toBe('closed 1 one, 2 two, 3 three\n0\n1\n0.1.0\n')
  })
})
