import type { Clock, Random } from '@se/core'

/** Told before each further attempt at a transaction [W7]. */
export interface RetryReport {
  readonly backend: 'mysql' | 'sqlite'
  /** Attempts made so far, from 1. */
  readonly attempts: number
  /** The driver's error, already rolled back. */
  readonly error: unknown
}

export interface RetryOptions {
  readonly attemptsMax: number
  readonly clock: Clock
  readonly random: Random
  isWorthAnother(error: unknown): boolean
  /** @param attempts made so far */
  onRetry(error: unknown, attempts: number): void
}

const PAUSE_MS_FIRST = 4
const PAUSE_MS_MAX = 250

/**
 * Does it again while the error is a conflict, up to `attemptsMax` times, after a pause with full jitter: two
 * transactions that met once would otherwise meet again.
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      if (attempts >= options.attemptsMax || !options.isWorthAnother(error)) throw error
      options.onRetry(error, attempts)
      const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** (attempts - 1)) * options.random.fraction()
      await new Promise<void>((resolve) => options.clock.setTimer(pauseMs, resolve))
    }
  }
}
