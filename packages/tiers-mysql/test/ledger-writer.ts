import { setTimeout } from 'node:timers/promises'
import {
  compareStamps,
  stampTimeOf,
  TierUnavailable,
  type ArchiveTier,
  type InstanceClaim,
  type Lookup,
  type Stamp,
} from '@se/core'

/** Pause before a batch is sent again, ms. */
const AGAIN_MS = 20

/** What was acknowledged by any writer: the newest stamp of each id. */
export class Acknowledged {
  readonly #newest = new Map<string, Stamp>()

  note(id: string, stamp: Stamp): void {
    const known = this.#newest.get(id)
    if (known === undefined || compareStamps(known, stamp) < 0) this.#newest.set(id, stamp)
  }

  get ids(): readonly string[] {
    return [...this.#newest.keys()]
  }

  /**
   * Reads, and compares with what had been acknowledged before.
   *
   * @returns ids whose answer was older than that; `undefined` when the archive could not tell
   */
  async staleAmong(archive: ArchiveTier, ids: readonly string[]): Promise<readonly string[] | undefined> {
    const expected = ids.map((id) => this.#newest.get(id))
    const lookups = await archive.getMany(ids)
    if (lookups.some(({ kind }) => kind === 'unknown')) return undefined
    return ids.filter((_, index) => isOlder(lookups[index]!, expected[index]))
  }
}

function isOlder(lookup: Lookup, expected: Stamp | undefined): boolean {
  if (expected === undefined) return false
  return lookup.kind !== 'found' || compareStamps(lookup.item.stamp, expected) < 0
}

let writerCount = 0

/** One log directory at work: it sends each batch until the archive has answered, as the engine does. */
export class LedgerWriter {
  readonly #archive: ArchiveTier
  readonly #claim: InstanceClaim
  readonly #acknowledged: Acknowledged
  #sequence: number
  #isStopped = false
  /** Batches that had to be sent again. */
  repeatCount = 0

  private constructor(archive: ArchiveTier, claim: InstanceClaim, acknowledged: Acknowledged) {
    this.#archive = archive
    this.#claim = claim
    this.#acknowledged = acknowledged
    this.#sequence = claim.lastSequence
  }

  static async claim(archive: ArchiveTier, acknowledged: Acknowledged): Promise<LedgerWriter> {
    const nonce = (writerCount += 1).toString(16).padStart(32, 'c')
    const claim = await archive.claimInstance({ memory: undefined, knownNonces: [], nonce })
    return new LedgerWriter(archive, claim, acknowledged)
  }

  get instance(): number {
    return this.#claim.instance
  }

  get sequence(): number {
    return this.#sequence
  }

  /** From now on a batch that fails is not sent again. */
  stop(): void {
    this.#isStopped = true
  }

  /**
   * Writes a value of one byte under each id, in one batch.
   *
   * @throws what no repetition mends, `InstanceFenced` above all
   */
  async put(ids: readonly string[]): Promise<void> {
    const sequence = (this.#sequence += 1)
    const { instance } = this.#claim
    const stamp = { time: nextStampTime(), instance }
    const writes = ids.map((id) => ({
      id,
      stamp,
      state: 'default',
      contentType: '',
      bytes: Uint8Array.of(sequence & 0xff),
    }))
    const batch = { claim: this.#claim, sequence, link: sequence.toString(16).padStart(16, '0'), writes }
    for (;;) {
      try {
        await this.#archive.putBatch(batch)
        break
      } catch (error) {
        if (!(error instanceof TierUnavailable) || this.#isStopped) throw error
        this.repeatCount += 1
        await setTimeout(AGAIN_MS)
      }
    }
    for (const id of ids) this.#acknowledged.note(id, stamp)
  }
}

/** Well in the past, and ever higher, also across the writers of one process. */
let stampTime = stampTimeOf(Date.now() - 600_000)
function nextStampTime(): number {
  return (stampTime += 1)
}
