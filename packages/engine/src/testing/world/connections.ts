import {
  ArchiveRefusedData,
  sequenceAt,
  TierUnavailable,
  type ArchiveBatch,
  type ArchiveTier,
  type CachePut,
  type CacheTier,
  type Clock,
  type CommittedBatch,
  type ItemWrite,
} from '@se/core'
import type { FakeClock, SeededRandom } from '@se/core/testing'
import { directChannel, type Channel } from '../../seam/channel.ts'
import { delayedChannel } from '../delayed-channel.ts'
import { withLatency } from '../latency.ts'
import type { Model } from '../model/model.ts'
import type { Variant } from '../script/variant.ts'
import { IDS } from '../script/writer.ts'
import { reachable, type Calls } from './calls.ts'
import type { Gate } from './ports.ts'
import type { Process } from './process.ts'
import { noting, telling, withCalls } from './telling.ts'
import type { ArchiveServer, CacheServer } from './tiers.ts'

/** Longest time a call may take, one way, ms. */
const LATENCY_MS_MAX = 1_000
const SYNC_MS_MAX = 600
/** After so long servers notice that a process is gone, ms: longer than a call of it may be on its way. */
const DROP_MS = 2 * LATENCY_MS_MAX
const MESSAGE_MS_MAX = 200

/** What connections need of their world. */
export interface ConnectionPorts {
  readonly clock: Pick<FakeClock, 'setTimer'>
  readonly random: SeededRandom
  readonly variant: Pick<Variant, 'latency' | 'diskLatency' | 'messageLatency'>
  readonly model: Model
  readonly calls: Calls
  /** Whether the archive refuses some values. */
  readonly isRefusing: () => boolean
  readonly note: (text: string) => void
}

interface Connection {
  readonly tier: { close(): Promise<void> }
  /** Of the life of a process that it belongs to. */
  readonly gate: Gate
}

/** What lies between processes and their tiers: calls take time, fail, are refused, and get lost. */
export class Connections {
  readonly #ports: ConnectionPorts
  readonly #open: Connection[] = []

  constructor(ports: ConnectionPorts) {
    this.#ports = ports
  }

  /** Of one life of a process. */
  toArchive(process: Process, server: ArchiveServer): ArchiveTier {
    const { model, calls } = this.#ports
    const { gate, number, life } = process
    const connection = reachable(calls.counted(server.connect()), () => process.isReachable)
    this.#open.push({ tier: connection, gate })
    const archive = withCalls(connection, {
      putBatch: (batch: ArchiveBatch) => this.#putBatch(process, connection, batch),
    })
    return telling(
      withLatency(noting(archive, model), (when) => this.#pause(gate, when)),
      model.told,
      { process: number, life },
    )
  }

  /** Of one life of a process. */
  toCache(process: Process, server: CacheServer): CacheTier {
    const connection = this.#ports.calls.counted(server.connect())
    this.#open.push({ tier: connection, gate: process.gate })
    const cache = withCalls(connection, {
      put: (puts: readonly CachePut[]) => this.#put(process, connection, puts),
    })
    return withLatency(cache, (when) => this.#pause(process.gate, when))
  }

  /** A process is killed: its servers notice it when what it had sent has been carried out, and let go of what it held. */
  drop({ gate }: Process): void {
    for (const { tier } of this.#open.filter((connection) => connection.gate === gate)) {
      this.#ports.clock.setTimer(DROP_MS, () => void tier.close().catch(() => {}))
    }
  }

  /** All of them, those of dead processes too, which nobody has closed. Some have been closed before, and may say so. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#open.map(({ tier }) => tier.close()))
  }

  /** Between the planes of one life of a process. @param clock the process' own */
  betweenPlanes(clock: Clock): Channel {
    const { random, variant } = this.#ports
    const { messageLatency } = variant
    if (messageLatency === undefined) return directChannel()
    return delayedChannel({
      clock,
      drawDelayMs: () =>
        random.chance(messageLatency) ? random.below(random.chance(0.1) ? MESSAGE_MS_MAX : 10) : 0,
    })
  }

  /** Draws how long a sync takes, and waits for it. */
  async diskPause(): Promise<void> {
    const { random, variant } = this.#ports
    if (!random.chance(variant.diskLatency)) return
    await this.#delay(random.below(random.chance(0.1) ? SYNC_MS_MAX : 20))
  }

  async #putBatch(process: Process, archive: ArchiveTier, batch: ArchiveBatch): Promise<CommittedBatch> {
    const { model, isRefusing } = this.#ports
    for (const { id, stamp, bytes } of batch.writes) model.send(id, stamp, numberIn(bytes))
    // What was committed before is not refused afterwards.
    const { cut } = await archive.readHeads()
    const isCommitted = sequenceAt(cut, batch.claim.instance) >= batch.sequence
    if (isRefusing() && !isCommitted && batch.writes.some(isTooMuch)) {
      throw new ArchiveRefusedData('the simulated column is too narrow')
    }
    const failing = process.failingCommits.count > 0 ? process.failingCommits : undefined
    if (failing !== undefined) failing.count--
    if (failing === undefined || failing.when === 'after-commit') {
      const committed = await archive.putBatch(batch)
      this.#commit(batch, committed)
      if (failing === undefined) return committed
    }
    throw new TierUnavailable('the connection is lost')
  }

  #commit({ writes }: ArchiveBatch, { outcomes, wasCommittedBefore }: CommittedBatch): void {
    if (wasCommittedBefore) return
    for (const [index, { id, stamp }] of writes.entries()) {
      if (outcomes[index]!.kind === 'won') this.#ports.model.commit(id, stamp)
    }
  }

  async #put(process: Process, cache: CacheTier, puts: readonly CachePut[]): ReturnType<CacheTier['put']> {
    const { lostPuts, number } = process
    if (lostPuts.count === 0) return cache.put(puts)
    lostPuts.count--
    this.#ports.note(
      `process ${number}: a put of ${puts.map(({ write }) => write.id).join()} is ${lostPuts.how}`,
    )
    if (lostPuts.how === 'forgotten') return puts.map(() => 'stored')
    await cache.put(puts)
    throw new TierUnavailable('the answer of the cache is lost')
  }

  async #pause(gate: Gate, when: 'before' | 'after'): Promise<void> {
    const { random, variant } = this.#ports
    if (random.chance(variant.latency)) {
      await this.#delay(random.below(random.chance(0.1) ? LATENCY_MS_MAX : 30))
    }
    if (when === 'after') await gate.pass()
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#ports.clock.setTimer(ms, resolve))
  }
}

/** The number that was written, whether or not it was padded. */
function numberIn(bytes: Uint8Array | undefined): number | undefined {
  const digits = /\d+/.exec(Buffer.from(bytes?.subarray(0, 30) ?? []).toString())?.[0]
  return digits === undefined ? undefined : Number(digits)
}

/** Whether the archive, while its column is narrow, refuses the value: every seventh of the script's. */
function isTooMuch({ id, bytes }: ItemWrite): boolean {
  return IDS.includes(id) && (numberIn(bytes) ?? 1) % 7 === 0
}
