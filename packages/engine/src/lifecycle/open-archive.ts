import { TierMisconfigured, TierUnavailable, type ArchiveDescription } from '@se/core'
import { pause } from '../deadline/within.ts'
import type { Start } from './start-step.ts'

/** Pause before an archive that is not there yet is tried again, ms; doubles up to the maximum. */
const OPEN_PAUSE_MS_MIN = 100
const OPEN_PAUSE_MS_MAX = 1_000

/** Opens the archive; one that is not there yet is waited for, as long as the caller said. */
export async function openWhenThere({
  environment,
  caller,
  waitForMs,
}: Pick<Start, 'environment' | 'caller' | 'waitForMs'>): Promise<ArchiveDescription> {
  const { config, archive, clock, observer } = environment
  const untilMs = clock.monotonicMs() + waitForMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await archive.open({ branches: config.branches, digests: config.digests })
    } catch (error) {
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0 || caller.goneBecause !== undefined || !mayAppear(error)) throw error
      const pauseMs = Math.min(OPEN_PAUSE_MS_MAX, OPEN_PAUSE_MS_MIN * 2 ** (attempt - 1), leftMs)
      observer.fault?.({
        part: 'archive',
        what: 'the archive is not there yet; the start waits for it',
        error,
      })
      await pause(clock, pauseMs, caller)
    }
  }
}

/**
 * Whether waiting may help: no server listens yet, it starts up, its name is not known yet (containers get theirs when they
 * start). What the archive says of the caller (credentials, rights, branches) does not change by waiting.
 */
export function mayAppear(error: unknown): boolean {
  if (error instanceof TierMisconfigured) return error.details['because'] === 'unknown-host'
  return error instanceof TierUnavailable
}
