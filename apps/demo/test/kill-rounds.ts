import { hash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SeededRandom } from '@se/core/testing'
import { createEngine, type Engine } from '@se/engine'
import { startKillableProcess, type ChildEnd, type KillableProcess } from '@se/testkit/process-killer'
import { mysqlArchive } from '@se/tiers-mysql/mysql'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { redisCache } from '@se/tiers-redis'
import { BRANCHES } from '../src/samples.ts'
import { demoEnvironment, MAIN_FILE } from './run-demo.ts'

/** Where the importing process keeps its data. Without servers: SQLite, and no cache. */
export interface KillTarget {
  /** Empty at first. */
  readonly directory: string
  readonly servers?: { readonly sqlUrl: string; readonly redisUrl: string; readonly redisPrefix: string }
}

export interface KillRoundsOptions {
  readonly target: KillTarget
  readonly rounds: number
  readonly random: SeededRandom
  readonly log: (line: string) => void
}

/** What the rounds met, so that a test can tell a run that proved something from one that did not. */
export interface KillTally {
  rounds: number
  /** Processes killed before they had come to their end, and of these after their first acknowledgement. */
  killed: number
  killedAfterAcknowledgement: number
  acknowledged: number
}

const ITEMS = 2_000
const VALUE_BYTES_MAX = 3_000
/** From its start to its end an import takes about this long on a machine with nothing else to do, ms. */
const IMPORT_MS = 1_200
const ROUND_NONE = -1
const TRUST_ROUNDS_MAX = 20
const GETS_AT_ONCE = 200

/**
 * Kills an importing process with SIGKILL at random moments, again and again on the same data, and after each round
 * holds the data to what was promised: every acknowledged item is there with its bytes or those of a later line, nothing
 * is there that nobody wrote, roots agree and filter and tree are trusted by a deep verification.
 *
 * @throws Error naming the round and what was broken
 */
export async function runKillRounds({ target, rounds, random, log }: KillRoundsOptions): Promise<KillTally> {
  const { directory, servers } = target
  const dataDirectory = join(directory, 'data')
  await mkdir(dataDirectory, { recursive: true })
  const env = demoEnvironment({
    hasRedis: false,
    env: {
      SE_DATA_DIR: dataDirectory,
      ...(servers === undefined
        ? {}
        : {
            SE_SQL_URL: servers.sqlUrl,
            SE_REDIS_URL: servers.redisUrl,
            SE_REDIS_PREFIX: servers.redisPrefix,
          }),
    },
  })
  const tally: KillTally = { rounds: 0, killed: 0, killedAfterAcknowledgement: 0, acknowledged: 0 }
  /** By id: the last round whose value was acknowledged. */
  const acknowledgedRounds = new Map<string, number>()
  /** By round: the digest it gave each id. */
  const given: ReadonlyMap<string, string>[] = []

  for (let round = 0; round < rounds; round++) {
    const values = makeValues(round, random)
    given.push(new Map([...values].map(([id, value]) => [id, hash('sha256', value, 'hex')])))
    const file = join(directory, 'items.ndjson')
    await writeFile(file, [...values].map(([id, value]) => `{"id":"${id}","value":${value}}\n`).join(''))

    const child = startKillableProcess({ file: MAIN_FILE, args: ['import', file, '--print-acks'], env })
    const { signal } = await killSometime(child, random, round === 0)
    const acknowledged = acknowledgedOf(child.lines)
    for (const [id, digest] of acknowledged) {
      if (given[round]!.get(id) !== digest)
        throw new Error(`round ${round}: ${id} was acknowledged with other bytes`)
      acknowledgedRounds.set(id, round)
    }
    tally.rounds++
    tally.acknowledged += acknowledged.size
    if (signal !== null) tally.killed++
    if (signal !== null && acknowledged.size > 0) tally.killedAfterAcknowledgement++
    log(`round ${round}: ${acknowledged.size} acknowledged, ${signal ?? 'came to its end'}`)

    // Half of the time the next process is killed too, in the middle of its recovery or not far behind.
    if (random.chance(0.5)) {
      const second = startKillableProcess({ file: MAIN_FILE, args: ['import', '-'], env })
      const end = await second.killAtRandomMoment({ random, withinMs: IMPORT_MS / 2 })
      if (end.signal !== null) tally.killed++
    }
    await checkRecovery(target, dataDirectory, given, acknowledgedRounds, `round ${round}`)
  }
  await rm(dataDirectory, { recursive: true, force: true })
  return tally
}

/**
 * Half of the kills fall among the acknowledgements, the others before, behind or anywhere.
 *
 * @param isEarly among the first half of the acknowledgements for sure: the child is not further ahead of what we have
 *   read than its pipe holds (64 KiB, some 800 lines)
 */
function killSometime(child: KillableProcess, random: SeededRandom, isEarly: boolean): Promise<ChildEnd> {
  if (isEarly || random.chance(0.5)) {
    let left = 1 + random.below(isEarly ? ITEMS / 2 : ITEMS)
    return child.killOnLine((line) => line.startsWith('ack ') && --left === 0)
  }
  if (random.chance(0.5)) return child.killAtRandomMoment({ random, withinMs: IMPORT_MS, afterLine: 'ack ' })
  return child.killAtRandomMoment({ random, withinMs: IMPORT_MS })
}

function makeValues(round: number, random: SeededRandom): Map<string, string> {
  const values = new Map<string, string>()
  for (let item = 0; item < ITEMS; item++) {
    const id = `${item % 3 === 0 ? 'user.' : 'order.'}${item}`
    const pad = 'é'.repeat(Math.floor(random.fraction() ** 3 * (VALUE_BYTES_MAX / 2)))
    values.set(id, JSON.stringify({ round, item, pad }))
  }
  return values
}

function acknowledgedOf(lines: readonly string[]): Map<string, string> {
  const acknowledged = new Map<string, string>()
  for (const line of lines) {
    const [, id, digest] = /^ack (\S+) ([0-9a-f]{64})$/.exec(line) ?? []
    if (id !== undefined && digest !== undefined) acknowledged.set(id, digest)
  }
  return acknowledged
}

/**
 * Starts an engine on what a killed process has left, and compares.
 *
 * @param given by round: the digest it gave each id
 * @param acknowledgedRounds by id: the last round whose value was acknowledged
 * @throws Error naming what was broken
 */
export async function checkRecovery(
  target: KillTarget,
  dataDirectory: string,
  given: readonly ReadonlyMap<string, string>[],
  acknowledgedRounds: ReadonlyMap<string, number>,
  where: string,
): Promise<void> {
  const engine = openEngine(target, dataDirectory)
  await engine.start()
  try {
    const broken: string[] = []
    const ids = [...given[0]!.keys()]
    for (let start = 0; start < ids.length; start += GETS_AT_ONCE) {
      const asked = ids.slice(start, start + GETS_AT_ONCE)
      const items = await Promise.all(asked.map((id) => engine.get(id)))
      for (const [index, id] of asked.entries()) {
        const item = items[index]
        const round = item === undefined ? ROUND_NONE : roundOf(hash('sha256', item.bytes, 'hex'), id, given)
        const acknowledgedRound = acknowledgedRounds.get(id) ?? ROUND_NONE
        if (round === undefined) broken.push(`${id} has bytes that nobody gave it`)
        else if (round < acknowledgedRound) {
          broken.push(`${id} was acknowledged in round ${acknowledgedRound}, found is round ${round}`)
        }
      }
    }
    const report = await engine.verify({ deep: true })

    for (const { view, isTrusted, because } of report.views) {
      if (!isTrusted) broken.push(`the ${view} is untrusted: ${because}`)
    }
    const roots = await engine.roots()
    if (!roots.agree) {
      broken.push(`the roots differ: archive ${roots.archive}, cache ${roots.cache ?? 'unknown'}`)
    }
    for (const [view, trust] of await untrustedOf(engine)) broken.push(`${view} ${trust}`)
    if (broken.length > 0)
      throw new Error(`${where}: ${broken.length} broken promises: ${broken.slice(0, 5).join('; ')}`)
  } finally {
    await engine.stop()
  }
}

/** Views that stay untrusted. The cache is trusted for Δ after a poll, which a busy machine may need to get to the next line. */
async function untrustedOf(engine: Engine): Promise<[view: string, trust: string][]> {
  for (let round = 1; ; round++) {
    await engine.flush()
    const untrusted = Object.entries(engine.status().trust).filter(
      ([, trust]) => !trust.startsWith('trusted at cut'),
    )
    if (untrusted.length === 0 || round === TRUST_ROUNDS_MAX) return untrusted
  }
}

/** The round that gave the id these bytes; `undefined`: none did. */
function roundOf(
  digest: string,
  id: string,
  given: readonly ReadonlyMap<string, string>[],
): number | undefined {
  const round = given.findLastIndex((digests) => digests.get(id) === digest)
  return round < 0 ? undefined : round
}

function openEngine({ servers }: KillTarget, dataDirectory: string): Engine {
  return createEngine({
    log: { directory: join(dataDirectory, 'log') },
    archive:
      servers === undefined
        ? sqliteArchive({ file: join(dataDirectory, 'archive.sqlite') })
        : mysqlArchive({ url: servers.sqlUrl }),
    ...(servers === undefined
      ? {}
      : { cache: redisCache({ url: servers.redisUrl, prefix: servers.redisPrefix }) }),
    branches: BRANCHES,
  })
}
