import { describe, expect, it } from 'vitest'
import { createFakeClock, seededRandom } from '@se/core/testing'
import { ConnectionPool, type Poolable } from '../src/mysql/pool.ts'
import { seed } from './contract-harness.ts'

class FakeConnection implements Poolable {
  readonly openedAtMs: number
  isEnded = false
  ending: 'quit' | 'destroyed' | undefined
  readonly #listeners: (() => void)[] = []

  constructor(openedAtMs: number) {
    this.openedAtMs = openedAtMs
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener)
  }

  destroy(): void {
    this.ending ??= 'destroyed'
    this.#end()
  }

  async quit(): Promise<void> {
    this.ending ??= 'quit'
    this.#end()
  }

  /** As the server does it. */
  lose(): void {
    this.#end()
  }

  #end(): void {
    if (this.isEnded) return
    this.isEnded = true
    for (const listener of this.#listeners) listener()
  }
}

function newPool({ size = 2, opens = () => true }: { size?: number; opens?: () => boolean } = {}) {
  const clock = createFakeClock()
  const opened: FakeConnection[] = []
  const pool = new ConnectionPool<FakeConnection>({
    open: async () => {
      if (!opens()) throw Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
      const connection = new FakeConnection(clock.monotonicMs())
      opened.push(connection)
      return connection
    },
    idleMsMax: () => 1_000,
    size,
    acquireTimeoutMs: 100,
    ageMsMax: 10_000,
    clock,
  })
  return { clock, opened, pool }
}

describe('connections', () => {
  it('are opened at need up to the size, and given again', async () => {
    const { pool, opened } = newPool()
    const first = await pool.acquire()
    pool.release(first)
    expect(await pool.acquire()).toBe(first)
    const second = await pool.acquire()
    expect(second).not.toBe(first)
    expect(opened).toHaveLength(2)
    const waiting = pool.acquire()
    pool.release(second)
    expect(await waiting).toBe(second)
  })

  it('whoever waits for one that never comes is told so in time', async () => {
    const { pool, clock } = newPool({ size: 1 })
    const held = await pool.acquire()
    const waiting = pool.acquire().catch((error: unknown) => error)
    await clock.advance(99)
    expect(clock.timerCount).toBe(1)
    await clock.advance(1)
    expect(await waiting).toMatchObject({ code: 'SE_NO_FREE_CONNECTION' })
    // Who gave up is not served: the next one is.
    const next = pool.acquire()
    pool.release(held)
    expect(await next).toBe(held)
    expect(clock.timerCount).toBe(0)
  })

  it('a drain ends those that are idle at once, and those in use when they come back [P69]', async () => {
    const { pool } = newPool()
    const [idle, used] = [await pool.acquire(), await pool.acquire()]
    pool.release(idle)
    pool.drain()
    expect(idle.isEnded).toBe(true)
    expect(used.isEnded).toBe(false)
    pool.release(used)
    expect(used.isEnded).toBe(true)
    const fresh = await pool.acquire()
    expect([idle, used]).not.toContain(fresh)
    pool.release(fresh)
    expect(await pool.acquire()).toBe(fresh)
  })

  it('that are old, were idle for long, or were ended by the server are not given again', async () => {
    const { pool, clock, opened } = newPool()
    const first = await pool.acquire()
    pool.release(first)
    await clock.advance(1_000)
    const second = await pool.acquire()
    expect([first.ending, second === first]).toEqual(['quit', false])
    pool.release(second)
    second.lose()
    const third = await pool.acquire()
    expect(third).not.toBe(second)
    await clock.advance(10_000)
    pool.release(third)
    expect(third.ending).toBe('quit')
    expect(opened).toHaveLength(3)
  })

  it('one that cannot be opened leaves its room to those who wait: each has an attempt of its own', async () => {
    let isUp = true
    const { pool } = newPool({ size: 1, opens: () => isUp })
    const held = await pool.acquire()
    const waiting = [pool.acquire(), pool.acquire()].map((asked) => asked.catch((error: unknown) => error))
    isUp = false
    pool.discard(held)
    expect(held.ending).toBe('destroyed')
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    isUp = true
    expect((await pool.acquire()).isEnded).toBe(false)
  })
})

describe('a close [P71]', () => {
  it('says goodbye to those that are idle', async () => {
    const { pool, clock } = newPool()
    const idle = await pool.acquire()
    pool.release(idle)
    await pool.close()
    expect(idle.ending).toBe('quit')
    expect(clock.timerCount).toBe(0)
  })

  it('destroys what hangs, in bounded time', async () => {
    const { pool, clock } = newPool({ size: 2 })
    const [first, hanging] = [await pool.acquire(), await pool.acquire()]
    const waiting = pool.acquire().catch((error: unknown) => error)
    const closed = pool.close()
    expect(await waiting).toMatchObject({ code: 'SE_CLOSED' })
    pool.release(first)
    expect(first.ending).toBe('quit')
    expect(hanging.isEnded).toBe(false)
    await clock.advance(1_000)
    await closed
    expect(hanging.ending).toBe('destroyed')
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'SE_CLOSED' })
    expect(clock.timerCount).toBe(0)
  })

  it('ends as soon as the last one comes back', async () => {
    const { pool, clock } = newPool()
    const used = await pool.acquire()
    const closed = pool.close()
    await Promise.resolve()
    pool.release(used)
    await closed
    expect(clock.timerCount).toBe(0)
  })
})

it('whatever happens: never more than its size, nothing given twice, nothing dead given, nobody forgotten', async () => {
  const random = seededRandom(seed)
  for (let round = 0; round < 40; round++) {
    let isUp = true
    const size = 1 + random.below(4)
    const { pool, clock, opened } = newPool({ size, opens: () => isUp })
    const used = new Set<FakeConnection>()
    const lost = new Set<FakeConnection>()
    let askedCount = 0
    let answeredCount = 0
    const ask = (): void => {
      askedCount += 1
      pool.acquire().then(
        (connection) => {
          answeredCount += 1
          expect(used.has(connection)).toBe(false)
          // The network may end one on its way to who asked for it.
          expect(!connection.isEnded || lost.has(connection)).toBe(true)
          used.add(connection)
        },
        () => void (answeredCount += 1),
      )
    }
    for (let step = 0; step < 60; step++) {
      const one = [...used][random.below(Math.max(1, used.size))]
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          ask()
          break
        case 3:
        case 4:
          if (one !== undefined && used.delete(one)) pool.release(one)
          break
        case 5:
          if (one !== undefined && used.delete(one)) pool.discard(one)
          break
        case 6: {
          const victim = opened[random.below(Math.max(1, opened.length))]
          if (victim === undefined || random.chance(0.5)) pool.drain()
          else {
            lost.add(victim)
            victim.lose()
          }
          break
        }
        case 7:
          isUp = random.chance(0.7)
          await clock.advance(random.below(random.pick([50, 3_000])))
          break
      }
      await clock.advance(0)
      lost.clear()
      for (const connection of [...used]) {
        if (connection.isEnded && used.delete(connection)) pool.discard(connection)
      }
      expect(opened.filter(({ isEnded }) => !isEnded).length).toBeLessThanOrEqual(size)
    }
    for (let left = 0; left < 30; left++) {
      for (const connection of [...used]) if (used.delete(connection)) pool.release(connection)
      await clock.advance(10)
    }
    await clock.advance(1_000)
    expect(answeredCount).toBe(askedCount)
    const closed = pool.close()
    await clock.advance(2_000)
    await closed
    expect(opened.every(({ isEnded }) => isEnded)).toBe(true)
  }
})
