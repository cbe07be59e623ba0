import { seededRandom } from '@se/core/testing'
import { judge, writeLog } from '../test/corruption.ts'
import { runKillRounds } from '../test/kill-rounds.ts'
import { runLockCase } from '../test/lock-contention.ts'
import { runPowerCutCase } from '../test/power-cut-world.ts'

/** The random tests of the package, for as long as one lets them: contests for the lock, power cuts, flipped bits, SIGKILL. */
export const area = 'wal'

/** The goal of one run with enough time; a shorter deadline ends earlier and says how far it came. */
const GOAL = { locks: 100_000, lives: 100_000, flips: 1_000_000, kills: 10_000 } as const

export async function run(options: {
  readonly deadline: number
  readonly seed: number
  log(line: string): void
}): Promise<void> {
  const { seed, log } = options
  const startMs = Date.now()
  const until = (share: number) => startMs + (options.deadline - startMs) * share
  log(await locks(seed, until(0.1)))
  log(await powerCuts(seed, until(0.35)))
  log(await flips(seed, until(0.6)))
  log(await kills(seed, options.deadline))
}

async function locks(seed: number, deadlineMs: number): Promise<string> {
  let cases = 0
  let taken = 0
  for (; cases < GOAL.locks && (cases === 0 || Date.now() < deadlineMs); cases++) {
    const caseSeed = (seed + cases) % 2 ** 32
    try {
      taken += await runLockCase(seededRandom(caseSeed))
    } catch (error) {
      throw new Error(`lock with seed ${caseSeed}: ${(error as Error).message}`, { cause: error })
    }
  }
  return `wal: ${cases} contests for the lock, taken ${taken} times, never by two`
}

async function powerCuts(seed: number, deadlineMs: number): Promise<string> {
  const { stackTraceLimit } = Error
  // Most of the time would go into the stacks of simulated errors.
  Error.stackTraceLimit = 0
  let lives = 0
  let cuts = 0
  try {
    for (; lives < GOAL.lives && (lives === 0 || Date.now() < deadlineMs); lives++) {
      const lifeSeed = (seed + lives) % 2 ** 32
      try {
        cuts += (await runPowerCutCase(seededRandom(lifeSeed))).cuts
      } catch (error) {
        throw new Error(`life with seed ${lifeSeed}: ${(error as Error).message}`, { cause: error })
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return `wal: ${lives} lives with ${cuts} power cuts, nothing lost`
}

async function flips(seed: number, deadlineMs: number): Promise<string> {
  const random = seededRandom(seed)
  let count = 0
  while (count < GOAL.flips && (count === 0 || Date.now() < deadlineMs)) {
    const shape = {
      totalBytes: 1_048_576,
      segmentBytes: 262_144,
      recordBytes: random.pick([100, 1000, 5000]),
    }
    const written = await writeLog(random, { ...shape, isClosed: random.chance(0.5) })
    const names = [...written.files.keys()]
    for (let flip = 0; flip < 10_000 && count < GOAL.flips && Date.now() < deadlineMs; flip++, count++) {
      const name = random.pick(names)
      const bytes = written.files.get(name)!
      const bit = random.below(bytes.length * 8)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const verdict = await judge(written, written.files)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      if (typeof verdict === 'object') throw new Error(`flip ${count}, ${name} bit ${bit}: ${verdict.wrong}`)
    }
  }
  return `wal: ${count} flipped bits in logs of 1 MiB, all told or harmless`
}

async function kills(seed: number, deadlineMs: number): Promise<string> {
  const summaries = await Promise.all(
    [0, 1].map((lane) =>
      runKillRounds(
        seededRandom(seed + lane),
        (round) => round >= GOAL.kills / 2 || (round > 0 && Date.now() >= deadlineMs),
      ),
    ),
  )
  const sum = (key: 'rounds' | 'acknowledged' | 'torn') =>
    summaries.reduce((total, summary) => total + summary[key], 0)
  return `wal: ${sum('rounds')} kills, ${sum('acknowledged')} acknowledged records, ${sum('torn')} torn tails, nothing lost`
}
