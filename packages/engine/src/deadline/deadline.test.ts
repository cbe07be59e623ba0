import { getEventListeners } from 'node:events'
import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { CallDeadlines, type Limits, type Operation } from './deadline.ts'
import type { Caller } from './caller.ts'

const withDeadline = <T>(
  clock: ConstructorParameters<typeof CallDeadlines>[0],
  limits: Limits,
  operation: Operation,
  run: (caller: Caller) => Promise<T>,
) => new CallDeadlines(clock, 30_000).bound(operation, limits, run)
const never = <T>() => new Promise<T>(() => {})

/** A clock whose process stands still for a while: its timers come late, and all that is due comes at once. */
function createStallingClock() {
  const clock = createFakeClock()
  let stoodStillMs = 0
  return {
    ...clock,
    monotonicMs: () => clock.monotonicMs() + stoodStillMs,
    advance: (ms: number) => clock.advance(ms),
    standStill: (ms: number) => void (stoodStillMs += ms),
    get timerCount() {
      return clock.timerCount
    },
    get keepsProcessAlive() {
      return clock.keepsProcessAlive
    },
  }
}

describe('a call with a deadline [W10]', () => {
  it('has its answer, and nothing is left of the waiting [P70]', async () => {
    const clock = createFakeClock()
    const { signal } = new AbortController()
    const call = withDeadline(clock, { timeoutMs: 100, signal }, 'get', async () => 'answer')
    expect(clock.keepsProcessAlive).toBe(true)
    expect(await call).toBe('answer')
    expect(clock.timerCount).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('fails with what it fails with, also when that is thrown before anything was awaited', async () => {
    const clock = createFakeClock()
    for (const run of [
      async () => Promise.reject(new Error('its own')),
      () => {
        throw new Error('its own')
      },
    ]) {
      await expect(withDeadline(clock, {}, 'get', run)).rejects.toThrow('its own')
      expect(clock.timerCount).toBe(0)
    }
  })

  it('ends in time, keeps the process alive until then, and not after [P70]', async () => {
    const clock = createFakeClock()
    const { signal } = new AbortController()
    const call = withDeadline(clock, { timeoutMs: 100, signal }, 'flush', never)
    const failed = expect(call).rejects.toMatchObject({
      code: 'SE_DEADLINE_EXCEEDED',
      details: { operation: 'flush', timeoutMs: 100 },
    })
    await clock.advance(99)
    expect(clock.keepsProcessAlive).toBe(true)
    await clock.advance(1)
    await failed
    expect(clock.timerCount).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('ends when its signal is aborted, with the reason, and 1,000 of them leave nothing at the signal', async () => {
    const clock = createFakeClock()
    const controller = new AbortController()
    const calls = Array.from({ length: 1_000 }, () =>
      withDeadline(clock, { signal: controller.signal }, 'submit', never),
    )
    const reason = new Error('the client has gone')
    controller.abort(reason)
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ reason: { code: 'SE_CALL_ABORTED', cause: reason } })
    }
    expect(clock.timerCount).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('does not begin when its signal was aborted before', async () => {
    const clock = createFakeClock()
    let hasBegun = false
    const call = withDeadline(
      clock,
      { signal: AbortSignal.abort() },
      'submit',
      async () => void (hasBegun = true),
    )
    await expect(call).rejects.toMatchObject({ code: 'SE_CALL_ABORTED' })
    expect(hasBegun).toBe(false)
    expect(clock.timerCount).toBe(0)
  })

  it('tells those who keep a line of the waiting that the caller has gone, once', async () => {
    const clock = createFakeClock()
    const heard: Error[] = []
    const call = withDeadline(clock, { timeoutMs: 100 }, 'submit', (caller) => {
      caller.onGone((reason) => heard.push(reason))
      const forget = caller.onGone(() => expect.unreachable())
      forget()
      return never()
    })
    call.catch(() => {})
    await clock.advance(1_000)
    expect(heard).toEqual([await call.catch((error: unknown) => error)])
  })

  it('has the default where its caller says nothing, and none where it ends by itself', async () => {
    const clock = createFakeClock()
    const byDefault = withDeadline(clock, {}, 'get', never)
    const failed = expect(byDefault).rejects.toMatchObject({ details: { timeoutMs: 30_000 } })
    let hasEnded = false
    void withDeadline(clock, { timeoutMs: Infinity }, 'verify', never).finally(() => (hasEnded = true))
    await clock.advance(30_000)
    await failed
    await clock.advance(2 ** 40)
    expect(hasEnded).toBe(false)
    expect(clock.keepsProcessAlive).toBe(true)
  })
})

describe('a process that stood still', () => {
  it('sees the answer that came meanwhile: the time it stood still does not count', async () => {
    for (const stallMs of [1_300, 6_000, 60_000]) {
      const clock = createStallingClock()
      let answer!: (value: string) => void
      const call = withDeadline(
        clock,
        { timeoutMs: 1_000 },
        'get',
        () => new Promise<string>((resolve) => (answer = resolve)),
      )
      await clock.advance(500)
      clock.standStill(stallMs)
      // The timer is late; the answer is in the socket, and may need further round trips.
      await clock.advance(500)
      await clock.advance(999)
      answer('late, and right')
      expect(await call).toBe('late, and right')
      expect(clock.timerCount).toBe(0)
    }
  })

  it('does not wait for ever after it', async () => {
    const clock = createStallingClock()
    const call = withDeadline(clock, { timeoutMs: 1_000 }, 'get', never)
    const failed = expect(call).rejects.toMatchObject({ code: 'SE_DEADLINE_EXCEEDED' })
    clock.standStill(60_000)
    await clock.advance(1_000)
    await clock.advance(1_000)
    await failed
  })
})

describe('a caller of a call that ends by itself', () => {
  it('is dismissed with the call', () => {
    const clock = createFakeClock()
    const { signal } = new AbortController()
    const { caller, dismiss } = new CallDeadlines(clock, 30_000).expect('start', { signal })
    expect(clock.keepsProcessAlive).toBe(true)
    dismiss()
    expect(caller.goneBecause).toBeUndefined()
    expect(clock.timerCount).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
