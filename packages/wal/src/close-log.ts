import type { Admission } from './admission.ts'
import { GROUP_CLOSES_LOG } from './format.ts'
import type { GroupCommit } from './group-commit.ts'
import type { GroupWriter } from './group-writer.ts'
import type { DirectoryLock } from './held-lock.ts'
import type { LogLife } from './log-life.ts'
import type { Progress } from './progress.ts'
import type { Releases } from './releases.ts'
import type { SegmentSupply } from './segment-supply.ts'

export interface ClosePorts {
  readonly life: LogLife
  readonly admission: Pick<Admission, 'stop'>
  readonly commit: Pick<GroupCommit, 'sync' | 'underWay'>
  readonly releases: Pick<Releases, 'stop'>
  readonly supply: Pick<SegmentSupply, 'stop' | 'takePrepared'>
  readonly writer: GroupWriter
  readonly progress: Progress
  readonly lock: Pick<DirectoryLock, 'makeSure' | 'release'>
}

/**
 * Ends a log: refuses what waits, writes what is queued, ends what runs in the background, notes that the log was closed in
 * order, closes the files, and releases the lock last.
 *
 * @throws LogFailed if it failed on the way; the files are closed and the lock is released all the same
 */
export async function closeLog(ports: ClosePorts): Promise<void> {
  const { life, admission, commit, releases, supply, writer, lock } = ports
  const hadFailed = life.state === 'failed'
  life.beginClosing()
  for (const call of admission.stop()) call.reject(life.whyNot())
  try {
    if (life.failure === undefined) await commit.sync()
    await Promise.all([supply.stop(), releases.stop()])
    // On a failed log a group may still be under way, and must not reach the files of the next writer.
    await commit.underWay
    const isWanted = life.failure === undefined && isClosingGroupWanted(ports.progress)
    if (isWanted) await lock.makeSure()
    if (isWanted && (writer.hasControlRoom || (await writer.rotate()))) {
      await writer.write([], 0, GROUP_CLOSES_LOG, true)
      await writer.sync()
    }
  } catch (error) {
    life.fail('close', error)
  }
  for (const file of [supply.takePrepared()?.handle, writer]) {
    await file?.close().catch((error: unknown) => life.fail('close', error))
  }
  await lock.release().catch((error: unknown) => life.fail('unlock', error))
  life.end()
  if (!hadFailed && life.failure !== undefined) throw life.failure
}

/** A log that was never used, or whose last group says all there is to say, needs none. */
function isClosingGroupWanted(progress: Progress): boolean {
  const isNoted = progress.endsClosed && progress.durableRelease === progress.releasedThrough
  return !isNoted && progress.lastSequence > 0
}
