import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeClock } from '@se/core/testing'
import { holdAnswer } from './faults.ts'
import { pass, settleOn, turns } from '../src/testing/time.ts'
import { createWorld, type World } from './world.ts'

/**
 * Goal: instances that ended or died do not stay for ever, and nobody loses by their going [P80, P94].
 * Method: a fake clock; the archive's heads say which instances there are.
 */

let clock: FakeClock
let world: World
beforeEach(async () => {
  world = await createWorld()
  ;({ clock } = world)
})
afterEach(() => settle(world[Symbol.asyncDispose]()))

const settle = <T>(promise: PromiseLike<T>) => settleOn(clock, promise)
const DAY_MS = 86_400_000

async function instances(): Promise<number[]> {
  return [...(await world.archive.readHeads()).cut.positions.keys()].sort((a, b) => a - b)
}

/** Days pass while everybody sleeps; then there is time for two rounds of maintenance. */
async function passDays(days: number): Promise<void> {
  clock.jump(days * DAY_MS)
  await pass(clock, 65_000)
}

describe('an instance', () => {
  it('that ended in order is taken out once its ledger is folded and pruned, and all views stay trusted [P80]', async () => {
    const [a, b] = [world.engine('a', { ledgerAgeMs: 1_000 }), world.engine('b', { ledgerAgeMs: 1_000 })]
    await a.start()
    await b.start()
    await a.submit('x', 1, { level: 'archive' })
    await settle(a.stop())
    expect(await instances()).toEqual([1])
    await b.submit('y', 1, { level: 'archive' })
    await pass(clock, 65_000)
    expect(await instances()).toEqual([2])
    expect(b.status()).toMatchObject({ isFresh: true, trust: { filter: expect.stringMatching(/^trusted/) } })
    expect(world.told('b').faults).toEqual([])
    expect((await b.get('x'))?.value).toBe(1)
    expect(await settle(b.verify({ deep: true }))).toMatchObject({ isTrusted: true })
    expect(await b.roots()).toMatchObject({ agree: true })
  })

  it('that left something in its log has not ended [P80]', async () => {
    const a = world.engine('a', { flush: { delayMs: 60_000 } })
    await a.start()
    await a.submit('x', 1)
    world.archiveOf('a').setAvailable(false)
    await settle(a.stop())
    const b = world.engine('b', { ledgerAgeMs: 1_000 })
    await b.start()
    await pass(clock, 65_000)
    const again = world.engine('a')
    const report = await settle(again.start())
    expect(report.steps.find(({ name }) => name === 'sql_connect')?.figures).toMatchObject({ instance: 1 })
    expect((await again.get('x'))?.value).toBe(1)
  })

  it('that was killed is dead after a day, and its directory comes back under a new number [P80]', async () => {
    const a = world.engine('a')
    await a.start()
    await a.submit('x', 'old', { level: 'archive' })
    const killed = world.disk.afterKill()
    await killed.remove('/world/a/0000000001.lock')
    const b = world.engine('b', { ledgerAgeMs: 1_000, fileSystem: killed })
    await b.start()
    await passDays(0.9)
    await b.submit('z', 1, { level: 'archive' })
    expect(await instances()).toEqual([1, 2])
    await passDays(0.2)
    expect(await instances()).toEqual([2])
    const again = world.engine('a', { fileSystem: killed })
    const report = await settle(again.start())
    expect(report.steps.find(({ name }) => name === 'sql_connect')?.figures).toMatchObject({ instance: 3 })
    await again.submit('x', 'new', { level: 'archive' })
    expect((await b.get('x', { consistency: 'source' }))?.value).toBe('new')
  })

  it('that lives is not taken out, however little it writes [P80]', async () => {
    const [a, b] = [world.engine('a', { ledgerAgeMs: 1_000 }), world.engine('b', { ledgerAgeMs: 1_000 })]
    await a.start()
    await b.start()
    await a.submit('x', 1, { level: 'archive' })
    await b.submit('y', 1, { level: 'archive' })
    for (let day = 0; day < 3; day++) {
      await passDays(0.5)
      await passDays(0.4)
    }
    expect(await instances()).toEqual([1, 2])
    await a.submit('x', 2, { level: 'archive' })
    expect(a.phase).toBe('Ready')
  })

  it('that slept for longer than a day is fenced when it wakes, and says how to come back [P80]', async () => {
    const faults: string[] = []
    const a = world.engine('a', { observer: { fault: ({ what }) => void faults.push(what) } })
    await a.start()
    await a.submit('x', 1, { level: 'archive' })
    // It sleeps: nothing of it reaches the archive.
    world.archiveOf('a').setAvailable(false)
    const b = world.engine('b', { ledgerAgeMs: 1_000 })
    await b.start()
    await passDays(1.2)
    world.archiveOf('a').setAvailable(true)
    await pass(clock, 65_000)
    expect(a.phase).toBe('Failed')
    expect(a.status().failure).toMatchObject({ code: 'SE_INSTANCE_FENCED' })
    expect(faults.join('\n')).toContain('a restart gets a new one; writes are refused')
    await settle(a.stop())
    const again = world.engine('a')
    await settle(again.start())
    expect((await again.get('x'))?.value).toBe(1)
    await again.submit('x', 2, { level: 'archive' })
  })
})

describe('retiring', () => {
  it('is a row of the own ledger: batches before and behind it have sequences of their own [P94]', async () => {
    const a = world.engine('a', { ledgerAgeMs: 1_000 })
    await a.start()
    await settle(a.stop())
    const b = world.engine('b', { ledgerAgeMs: 1_000 })
    await b.start()
    await b.submit('x', 1, { level: 'archive' })
    const held = holdAnswer(world.archiveOf('b'), 'retireInstances')
    await pass(clock, 30_500)
    await held.reached
    const behind = b.submit('x', 2, { level: 'archive' })
    await turns()
    held.release()
    await settle(behind)
    expect(await instances()).toEqual([2])
    expect((await b.get('x', { consistency: 'source' }))?.value).toBe(2)
    expect(await settle(b.verify({ deep: true }))).toMatchObject({ isTrusted: true })
  })

  it.each(['before', 'after-commit'] as const)(
    'that fails %s keeps no batch back, and uses no sequence twice [W5, W9]',
    async (when) => {
      const a = world.engine('a', { ledgerAgeMs: 1_000 })
      await a.start()
      await settle(a.stop())
      const b = world.engine('b', { ledgerAgeMs: 1_000 })
      await b.start()
      await b.submit('x', 1, { level: 'archive' })
      world.archiveOf('b').failNext('retireInstances', when, new Error('arranged'))
      await pass(clock, 31_000)
      await settle(b.submit('x', 2, { level: 'archive', timeoutMs: 2_000 }))
      await pass(clock, 31_000)
      await settle(b.submit('x', 3, { level: 'archive' }))
      expect(await instances()).toEqual([2])
      expect(b.phase).toBe('Ready')
      expect(await settle(b.verify({ deep: true }))).toMatchObject({ isTrusted: true })
    },
  )

  it('30 short lives leave a handful of instances, though none lasts for a round of maintenance [P80]', async () => {
    for (let life = 0; life < 30; life++) {
      const engine = world.engine(`life.${life}`, { ledgerAgeMs: 1_000, withoutCache: true })
      await settle(engine.start())
      await engine.submit(`item.${life}`, life)
      await settle(engine.stop())
      await clock.advance(500)
    }
    // Those whose ledger is younger than it is kept, and the last.
    expect((await instances()).length).toBeLessThanOrEqual(5)
    const last = world.engine('last')
    await settle(last.start())
    expect(await settle(last.verify({ deep: true }))).toMatchObject({ isTrusted: true, rowsRead: 30 })
  })
})
