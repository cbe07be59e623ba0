import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SeededRandom } from '@se/core/testing'
import { startKillableProcess } from '@se/testkit'
import { openLog } from '../src/index.ts'

export const WRITERS = 64
/** Small, so that the kill falls into changes of segments too. */
export const KILL_LIMITS = { segmentBytes: 65_536, spareSegmentsMax: 1 } as const

/** What a writer appends at its n-th turn; its length differs from turn to turn. */
export function killPayload(writer: number, turn: number): Uint8Array {
  return Buffer.from(`${writer}.${turn}.`.padEnd(20 + ((writer * 31 + turn * 7) % 200), '='))
}

export interface KillSummary {
  readonly rounds: number
  readonly acknowledged: number
  readonly torn: number
}

/**
 * Lets a child append with 64 writers, kills it, opens the log and compares; round after round in one directory.
 *
 * @param isOver asked before each round
 * @throws Error naming the broken promise
 */
export async function runKillRounds(
  random: SeededRandom,
  isOver: (round: number) => boolean,
): Promise<KillSummary> {
  const directory = await mkdtemp(join(tmpdir(), 'se-wal-kill-'))
  let rounds = 0
  let acknowledgedTotal = 0
  let torn = 0
  let lastBefore = 0
  let releasedThrough = 0
  try {
    for (; !isOver(rounds); rounds++) {
      const child = startKillableProcess({
        file: new URL('./kill-writer.ts', import.meta.url),
        args: [directory],
        env: { NODE_COMPILE_CACHE: join(directory, 'compile-cache') },
      })
      const end = await child.killAtRandomMoment({ random, withinMs: 60, afterLine: 'a ' })
      if (end.signal !== 'SIGKILL') throw new Error(`the child ended by itself: ${child.stderr}`)
      const acknowledged = new Map<number, Uint8Array>()
      for (const line of child.lines) {
        const [kind, sequence, writer, turn] = line.split(' ')
        if (kind === 'a') acknowledged.set(Number(sequence), killPayload(Number(writer), Number(turn)))
        else releasedThrough = Math.max(releasedThrough, Number(sequence))
      }
      const log = await openLog({ directory, limits: KILL_LIMITS })
      if (log.recovery.outcome === 'torn') torn++
      const { firstSequence, lastSequence } = log.stats()
      if (firstSequence - 1 > releasedThrough) throw new Error(`${firstSequence - 1} counts as released`)
      if (lastSequence < lastBefore)
        throw new Error(`the log ends at ${lastSequence}, before it was ${lastBefore}`)
      let next = firstSequence
      for await (const { sequence, bytes } of log.replay()) {
        if (sequence !== next++) throw new Error(`record ${sequence} came instead of ${next - 1}`)
        const expected = acknowledged.get(sequence)
        if (expected === undefined) continue
        if (!Buffer.from(bytes).equals(expected)) throw new Error(`record ${sequence} has other bytes`)
        acknowledged.delete(sequence)
        acknowledgedTotal++
      }
      for (const sequence of acknowledged.keys()) {
        if (sequence >= firstSequence) throw new Error(`acknowledged record ${sequence} is missing`)
      }
      lastBefore = lastSequence
      await log.close()
    }
    return { rounds, acknowledged: acknowledgedTotal, torn }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
