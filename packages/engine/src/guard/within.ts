import { TierUnavailable, type Clock } from '@se/core'

/**
 * Waits for a call, but not for ever. One that is given up still runs; what becomes of it is not looked at.
 *
 * @param what the call, for the message
 * @throws TierUnavailable when it has not ended after `limitMs`; else what it throws
 */
export async function within<T>(
  clock: Pick<Clock, 'setTimer'>,
  limitMs: number,
  what: string,
  run: () => Promise<T>,
): Promise<T> {
  let cancel = () => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.setTimer(limitMs, () =>
      reject(new TierUnavailable(`${what} did not end within ${limitMs} ms`, { details: { limitMs } })),
    )
  })
  try {
    return await Promise.race([run(), late])
  } finally {
    cancel()
  }
}
