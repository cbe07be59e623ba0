import { randomHex, type BranchSet, type CachePut, type CachePutOutcome, type Random } from '@se/core'
import type { RedisConnection } from './connection.ts'
import { becauseOf, fateOf, isRefusalForNow } from './failures.ts'
import type { CacheKeys } from './keys.ts'
import { decodeOutcome, planPuts, uniqueRounds, type PutCall } from './put-plan.ts'
import type { Refusals } from './refusals.ts'
import { EPOCH_BYTES } from './mark.ts'

export interface PutPorts {
  readonly connection: Pick<RedisConnection, 'run' | 'isCluster'>
  readonly keys: CacheKeys
  readonly branches: BranchSet
  readonly random: Pick<Random, 'bytes'>
  readonly refusals: Refusals
  readonly ttlMs: number | undefined
  readonly onForeignKeys: (count: number) => void
}

/**
 * Puts, call by call. A call that was not carried out for what is in it is cut, until it is known which value or which key it
 * was; a call that was lost is not sent again, since what became of it is not known.
 */
export class Puts {
  readonly #ports: PutPorts

  constructor(ports: PutPorts) {
    this.#ports = ports
  }

  /**
   * @throws TierUnavailable, TierMisconfigured when none could be sent or none was answered; a server that takes nothing
   *   now but answers is no error
   */
  async put(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    if (puts.length === 0) return []
    if (new Set(puts.map((put) => put.write.id)).size === puts.length) return this.#putUnique(puts)
    const outcomes: CachePutOutcome[] = []
    for (const round of uniqueRounds(puts)) {
      const ofRound = await this.#putUnique(round.map((index) => puts[index]!))
      round.forEach((index, at) => (outcomes[index] = ofRound[at]!))
    }
    return outcomes
  }

  async #putUnique(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    const batch = new Batch(puts)
    const offered: number[] = []
    puts.forEach((put, index) => {
      const { id, bytes } = put.write
      if (bytes === undefined || this.#ports.refusals.mayOffer(id, bytes.length)) offered.push(index)
      else if (batch.refuse(index)) offered.push(index)
    })
    await this.#send(batch, offered)
    return batch.outcomes()
  }

  async #send(batch: Batch, indexes: readonly number[]): Promise<void> {
    const { branches, keys, connection, refusals } = this.#ports
    const puts = indexes.map((index) => batch.puts[index]!)
    const calls = planPuts(puts, branches, keys, !connection.isCluster, refusals.callBytesMax)
    await Promise.all(calls.map((call) => this.#call(batch, call, indexes)))
  }

  /** @param planned indexes in the batch, of the puts that the call was planned from */
  async #call(batch: Batch, call: PutCall, planned: readonly number[]): Promise<void> {
    const { connection, random, ttlMs, onForeignKeys, refusals } = this.#ports
    const indexes = call.positions.map((position) => planned[position]!)
    const stripes = [...call.positionsByStripe.keys()]
    try {
      const answer = (await connection.run(stripes.length === 1 ? stripes[0] : undefined, (client) =>
        client.sePutBuffer(
          call.keys.length,
          ...call.keys,
          randomHex(random, EPOCH_BYTES),
          call.groupCount,
          call.reading,
          ttlMs ?? '',
          call.blob,
        ),
      )) as Buffer | [letters: Buffer, foreignKeys: number]
      const letters = Array.isArray(answer) ? answer[0] : answer
      if (Array.isArray(answer)) onForeignKeys(answer[1])
      indexes.forEach((index, at) => {
        batch.answer(index, decodeOutcome(letters[at]!))
        const { id, bytes } = batch.puts[index]!.write
        if (bytes !== undefined) refusals.valueTaken(id)
      })
    } catch (error) {
      if (indexes.length === 1) return this.#failedAlone(batch, indexes[0]!, error)
      const parts = partsToTry(call, error).map((part) => part.map((position) => planned[position]!))
      if (fateOf(error) === 'too-big') refusals.callRefused(call.blob.length)
      if (parts.length < 2) return batch.fail(indexes, error)
      await Promise.all(parts.map((part) => this.#send(batch, part)))
    }
  }

  async #failedAlone(batch: Batch, index: number, error: unknown): Promise<void> {
    const { refusals } = this.#ports
    const { id, bytes } = batch.puts[index]!.write
    const fate = fateOf(error)
    if (bytes !== undefined && fate === 'too-big') {
      refusals.valueRefused(bytes.length)
      if (batch.refuse(index)) await this.#send(batch, [index])
      return
    }
    if (bytes !== undefined && (fate === 'in-doubt' || fate === 'no-memory'))
      refusals.valueLost(id, bytes.length)
    batch.fail([index], error)
  }
}

/** How a call that was not carried out is cut: in halves where it was too big, by stripe where only some may be out of bounds. */
function partsToTry(call: PutCall, error: unknown): readonly (readonly number[])[] {
  if (fateOf(error) === 'too-big') {
    const middle = Math.ceil(call.positions.length / 2)
    return [call.positions.slice(0, middle), call.positions.slice(middle)]
  }
  return becauseOf(error) === 'no-permission-for-key' ? [...call.positionsByStripe.values()] : []
}

/** Puts under way, and what became of each. */
class Batch {
  readonly puts: CachePut[]
  readonly #outcomes: CachePutOutcome[]
  #error: Error | undefined
  #isAnswered = false

  constructor(puts: readonly CachePut[]) {
    this.puts = [...puts]
    this.#outcomes = puts.map(() => 'unknown')
  }

  answer(index: number, outcome: CachePutOutcome): void {
    this.#isAnswered = true
    this.#outcomes[index] = outcome
  }

  /**
   * The value cannot be put. A write becomes a delete, so that nothing older stays.
   *
   * @returns whether there is something to send
   */
  refuse(index: number): boolean {
    const put = this.puts[index]!
    if (put.kind === 'fill') {
      this.answer(index, 'skipped')
      return false
    }
    this.puts[index] = { ...put, write: { ...put.write, bytes: undefined } }
    return true
  }

  fail(indexes: readonly number[], error: unknown): void {
    if (isRefusalForNow(error)) for (const index of indexes) this.answer(index, 'unknown')
    else this.#error ??= error as Error
  }

  outcomes(): readonly CachePutOutcome[] {
    if (!this.#isAnswered && this.#error !== undefined) throw this.#error
    return this.#outcomes
  }
}
