import {
  encodeCut,
  randomHex,
  TierUnavailable,
  type BranchSet,
  type Cut,
  type AdvancedStripe,
  type LedgerRow,
  type Random,
  type StoredLeaf,
  type StripeReading,
  type StripeState,
} from '@se/core'
import { BUCKET_COUNT, STRIPE_COUNT } from '@se/core/hash'
import { addLeaves, decodeLeaf, EMPTY_LEAF, encodeLeaf, isEmptyLeaf } from '@se/merkle'
import type { Beliefs } from './beliefs.ts'
import type { ScriptClient } from './client.ts'
import type { RedisConnection } from './connection.ts'
import { fateOf, unknownCauseOf } from './failures.ts'
import { shareOut, type ChangedLeaf, type NamedItem, type StripeShare } from './advance-plan.ts'
import { leafName, leafNumber, leafOfField, META_FIELDS, sumsField, type CacheKeys } from './keys.ts'
import { EPOCH_BYTES, isMarkUnder, markOf, type KnownCuts } from './mark.ts'
import { decodeMeta, encodeBounds, encodeLeaves, ENTRY_BYTES_UNTOLD, type MetaHeader } from './meta.ts'
import { CALL_ITEMS_MAX } from './scripts.ts'

export interface StripePorts {
  readonly connection: Pick<RedisConnection, 'run'>
  readonly keys: CacheKeys
  readonly branches: BranchSet
  readonly random: Pick<Random, 'bytes'>
  readonly beliefs: Beliefs
  readonly cuts: KnownCuts
  readonly onForeignKeys: (count: number) => void
}

interface ReadLeaf {
  readonly branch: number
  readonly bucket: number
  readonly value: Buffer
}

/** What reads and changes the metas, stripe by stripe. */
export class Stripes {
  readonly #ports: StripePorts
  /** `advance` is called once a stripe with the same rows; they are shared out once. */
  readonly #shares = new WeakMap<readonly LedgerRow[], readonly StripeShare[]>()

  constructor(ports: StripePorts) {
    this.#ports = ports
  }

  /** @throws TierUnavailable, TierMisconfigured when no stripe could be read */
  async readAll(): Promise<readonly StripeReading[]> {
    const readings = await Promise.all(
      Array.from({ length: STRIPE_COUNT }, (_, stripe) => this.#read(stripe)),
    )
    const [first] = readings
    if (first?.kind === 'unknown' && readings.every((reading) => reading.kind === 'unknown'))
      throw first.cause
    return readings
  }

  async #read(stripe: number): Promise<StripeReading> {
    const { connection, keys, beliefs, cuts } = this.#ports
    const order = beliefs.nextOrder()
    try {
      const [meta, stand] = (await this.#onMeta(stripe, () =>
        connection.run(stripe, (client) =>
          Promise.all([
            client.hmgetBuffer(keys.meta(stripe), ...META_FIELDS),
            client.mgetBuffer(keys.stand(stripe)),
          ]),
        ),
      )) ?? [[], []]
      const header = decodeMeta(stripe, meta, cuts)
      if (header === undefined || !isMarkUnder(header.state.epoch, stand[0])) return { kind: 'none' }
      const leafEpochs =
        header.revision === header.state.epoch
          ? NO_LEAF_EPOCHS
          : beliefs.leafEpochsAt(stripe, header.revision)
      if (leafEpochs !== undefined)
        return { kind: 'state', state: beliefs.remember({ ...header, leafEpochs }, order) }
      const state = await this.#readLeafEpochs(stripe)
      return state === undefined ? { kind: 'none' } : { kind: 'state', state }
    } catch (cause) {
      return { kind: 'unknown', because: unknownCauseOf(cause), cause }
    }
  }

  /**
   * @param expected what the stripe must be; `undefined`: it must have no meta
   * @returns `undefined` when it was not so
   */
  async createOrReset(
    stripe: number,
    expected: StripeState | undefined,
    cut: Cut,
    leaves: readonly StoredLeaf[],
  ): Promise<StripeState | undefined> {
    const { connection, keys, beliefs } = this.#ports
    const order = beliefs.nextOrder()
    const state: StripeState = { stripe, cut, epoch: this.#randomHex() }
    const isSeated = await connection.run(stripe, (client) =>
      client.seCreateBuffer(
        2,
        keys.meta(stripe),
        keys.stand(stripe),
        ...(expected === undefined
          ? ['', '']
          : [Buffer.from(expected.epoch, 'hex'), encodeCut(expected.cut)]),
        Buffer.from(state.epoch, 'hex'),
        encodeCut(cut),
        markOf(state),
        encodeLeaves(leaves, sumsField),
      ),
    )
    if (isSeated !== 1) return undefined
    const facts = {
      state,
      revision: state.epoch,
      leafEpochs: NO_LEAF_EPOCHS,
      entryBytesMax: ENTRY_BYTES_UNTOLD,
    }
    return beliefs.remember(facts, order)
  }

  async advance(
    state: StripeState,
    rows: readonly LedgerRow[],
    to: Cut,
  ): Promise<AdvancedStripe | undefined> {
    const { stripe } = state
    const { items, leaves } = this.#shareOf(rows)[stripe]!
    const sums = await this.#onMeta(stripe, () => this.#sumsAfter(state, leaves))
    if (sums === undefined) return undefined
    const slices: NamedItem[][] = []
    for (let at = 0; at < items.length; at += CALL_ITEMS_MAX)
      slices.push(items.slice(at, at + CALL_ITEMS_MAX))
    const last = slices.pop() ?? []
    const removedIds: string[] = []
    // What is older may go, and tokens may change, at any time after the rows were committed; only sums and
    // cut must move in one step. So a long tail goes in several calls, and the last one moves the stripe.
    for (const slice of slices)
      if (!(await this.#advanceSlice(state, slice, undefined, removedIds))) return undefined
    if (!(await this.#advanceSlice(state, last, { to, sums }, removedIds))) return undefined
    const { beliefs } = this.#ports
    const known = beliefs.factsOf(state)
    const advanced: StripeState = { ...state, cut: to }
    return {
      state:
        known === undefined ? advanced : beliefs.remember({ ...known.facts, state: advanced }, known.order),
      removedIds,
    }
  }

  /** @param end with the last slice: where the stripe stands then */
  async #advanceSlice(
    state: StripeState,
    slice: readonly NamedItem[],
    end: { readonly to: Cut; readonly sums: SumsAfter } | undefined,
    removedIds: string[],
  ): Promise<boolean> {
    const { connection, keys, onForeignKeys } = this.#ports
    const { stripe, epoch, cut } = state
    const names = slice.map((item) => keys.itemIn(stripe, item.id))
    const answer = await this.#onMeta(stripe, () =>
      connection.run(stripe, (client) =>
        client.seAdvanceBuffer(
          2 + names.length,
          keys.meta(stripe),
          keys.stand(stripe),
          ...names,
          Buffer.from(epoch, 'hex'),
          encodeCut(cut),
          end?.sums.revision ?? '',
          this.#randomHex(),
          end === undefined ? '' : encodeCut(end.to),
          end === undefined ? '' : markOf({ epoch, cut: end.to }),
          encodeBounds(slice),
          end?.sums.encoded ?? '',
        ),
      ),
    )
    if (answer === undefined || answer === null) return false
    const [letters, foreignKeys] = answer as [Buffer, number]
    onForeignKeys(foreignKeys)
    slice.forEach((item, at) => {
      if (letters[at] === 0x31) removedIds.push(item.id)
    })
    return true
  }

  #shareOf(rows: readonly LedgerRow[]): readonly StripeShare[] {
    let shares = this.#shares.get(rows)
    if (shares === undefined) {
      shares = shareOut(rows, this.#ports.branches)
      this.#shares.set(rows, shares)
    }
    return shares
  }

  /**
   * Reads the sums of the leaves and adds what the rows bring. The script sets them only if epoch, cut and
   * revision are still those they were read under.
   */
  async #sumsAfter(state: StripeState, leaves: readonly ChangedLeaf[]): Promise<SumsAfter | undefined> {
    if (leaves.length === 0) return { revision: '', encoded: '' }
    const { connection, keys } = this.#ports
    const fields = leaves.map((leaf) => sumsField(leafNumber(leaf.branch, leaf.bucket)))
    const [revision, ...stored] = await connection.run(state.stripe, (client) =>
      client.hmgetBuffer(keys.meta(state.stripe), 'revision', ...fields),
    )
    if (!revision) return undefined
    const after = leaves.map((leaf, index) => {
      const before = stored[index] ? decodeLeaf(stored[index]) : EMPTY_LEAF
      return { ...leaf, sums: encodeLeaf(addLeaves(before, leaf.delta)) }
    })
    return { revision, encoded: encodeLeaves(after, sumsField) }
  }

  async readReceipt(
    stripe: number,
  ): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined> {
    const { beliefs } = this.#ports
    const order = beliefs.nextOrder()
    const read = await this.#readLeafFields(stripe, 's')
    if (read === undefined) return undefined
    const leaves: StoredLeaf[] = []
    for (const { branch, bucket, value } of read.leaves) {
      if (!isEmptyLeaf(decodeLeaf(value))) leaves.push({ branch, bucket, sums: new Uint8Array(value) })
    }
    const { state, revision } = read.header
    const leafEpochs = revision === state.epoch ? NO_LEAF_EPOCHS : beliefs.leafEpochsAt(stripe, revision)
    if (leafEpochs !== undefined) beliefs.remember({ ...read.header, leafEpochs }, order)
    return { state, leaves }
  }

  async invalidate(state: StripeState, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    const { connection, keys, random, beliefs } = this.#ports
    const { stripe } = state
    beliefs.doubt([stripe])
    const isDone = await this.#onMeta(stripe, () =>
      connection.run(stripe, (client) =>
        client.seInvalidateBuffer(
          1,
          keys.meta(stripe),
          Buffer.from(state.epoch, 'hex'),
          encodeCut(state.cut),
          Buffer.from(random.bytes(EPOCH_BYTES)),
          this.#randomHex(),
          Buffer.from(random.bytes(EPOCH_BYTES)),
          encodeLeaves(leaves, leafName),
        ),
      ),
    )
    return isDone === 1 ? this.#readLeafEpochs(stripe) : undefined
  }

  async renew(state: StripeState): Promise<boolean> {
    const { connection, keys, random, beliefs } = this.#ports
    const { stripe } = state
    beliefs.doubt([stripe])
    const isDone = await this.#onMeta(stripe, () =>
      connection.run(stripe, (client) =>
        client.seRenewBuffer(
          2,
          keys.meta(stripe),
          keys.stand(stripe),
          Buffer.from(state.epoch, 'hex'),
          Buffer.from(random.bytes(EPOCH_BYTES)),
        ),
      ),
    )
    return isDone === 1
  }

  async #readLeafEpochs(stripe: number): Promise<StripeState | undefined> {
    const { beliefs } = this.#ports
    const order = beliefs.nextOrder()
    const read = await this.#readLeafFields(stripe, 'e')
    if (read === undefined) return undefined
    const leafEpochs = new Map<number, string>()
    for (const { branch, bucket, value } of read.leaves) {
      leafEpochs.set(leafNumber(branch, bucket), value.toString('hex'))
    }
    return beliefs.remember({ ...read.header, leafEpochs }, order)
  }

  async #readLeafFields(
    stripe: number,
    kind: 's' | 'e',
  ): Promise<{ readonly header: MetaHeader; readonly leaves: readonly ReadLeaf[] } | undefined> {
    const { connection, keys, cuts } = this.#ports
    const answer = (await this.#onMeta(stripe, () =>
      connection.run(stripe, (client: ScriptClient) => client.seReadBuffer(1, keys.meta(stripe), kind)),
    )) as (Buffer | null)[] | null | undefined
    if (answer === null || answer === undefined) return undefined
    const header = decodeMeta(stripe, answer.slice(0, META_FIELDS.length), cuts)
    if (header === undefined) return undefined
    const leaves: ReadLeaf[] = []
    for (let at = META_FIELDS.length; at < answer.length; at += 2) {
      const leaf = leafOfField(answer[at]!)
      leaves.push({
        branch: Math.floor(leaf / BUCKET_COUNT),
        bucket: leaf % BUCKET_COUNT,
        value: answer[at + 1]!,
      })
    }
    return { header, leaves }
  }

  /** A key of another type where a meta should be is removed, and there is no meta. */
  async #onMeta<T>(stripe: number, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof TierUnavailable) || fateOf(error) !== 'wrong-type') throw error
      const { connection, keys, onForeignKeys } = this.#ports
      const removed = await connection.run(stripe, (client) =>
        client.seClearBuffer(1, keys.meta(stripe), 'hash'),
      )
      onForeignKeys(Number(removed))
      return undefined
    }
  }

  #randomHex(): string {
    return randomHex(this.#ports.random, EPOCH_BYTES)
  }
}

interface SumsAfter {
  readonly revision: Buffer | ''
  readonly encoded: Buffer | ''
}

const NO_LEAF_EPOCHS: ReadonlyMap<number, string> = new Map()
