import {
  CorruptData,
  createBranchSet,
  decodeCut,
  encodeCut,
  encodeStamp,
  invariant,
  STAMP_BYTES,
  type BranchSet,
  type CachePermit,
  type CachePut,
  type CachePutOutcome,
  type CacheTier,
  type Cut,
  type LedgerRow,
  type Lookup,
  type StoredLeaf,
  type StripeState,
} from '@se/core'
import { bucketOfId, BUCKET_COUNT, stripeOfBucket, stripeOfId, STRIPE_COUNT } from '@se/core/hash'
import { addLeaves, decodeLeaf, EMPTY_LEAF, encodeLeaf, isEmptyLeaf, LEAF_BYTES } from '@se/merkle'
import { createConnection, unknownCauseOf, type RedisConnection, type ScriptClient } from './connection.ts'
import { decodeEntry } from './entry.ts'
import { shareOut, type FinishItem, type FinishLeaf, type StripeShare } from './finish-plan.ts'
import {
  epochField,
  leafName,
  leafNumber,
  leafOfField,
  LEAF_FIELD_BYTES,
  META_FIELDS,
  sumsField,
  tokenField,
} from './keys.ts'
import { KnownStripes, type KnownStripe } from './known-stripes.ts'
import { parseOptions, type ParsedOptions, type RedisCacheOptions } from './options.ts'
import { decodeOutcome, planPuts, uniqueRounds, type PutCall } from './put-plan.ts'
import { CALL_ITEMS_MAX, TOKEN_NONE } from './scripts.ts'

/**
 * Ids of one MGET; further ones follow in the same round trip, so that Redis reads on while the client
 * decodes the first.
 */
const READ_CALL_ITEMS = 500
const EPOCH_BYTES = 8

/** A {@link CacheTier} on Redis, and where its keys are. */
export interface RedisCache extends CacheTier {
  /** Key of a stripe's meta, a hash: epoch, cut, tokens, sums. For tools that look or plant. */
  metaKeyOf(stripe: number): string
}

/**
 * The shared cache on Redis, standalone or Cluster. Nothing is connected before `open`; a Redis that is down
 * is a cache that answers `unknown`, and is used again as soon as it is back.
 *
 * @throws InvalidConfig naming the field
 */
export function redisCache(options: RedisCacheOptions): RedisCache {
  return new RedisCacheTier(parseOptions(options))
}

class RedisCacheTier implements RedisCache {
  readonly backend = 'redis'
  readonly #options: ParsedOptions
  readonly #connection: RedisConnection
  readonly #known = new KnownStripes()
  /** `finishStripe` is called once a stripe with the same rows; they are shared out once. */
  readonly #shares = new WeakMap<readonly LedgerRow[], readonly StripeShare[]>()
  #branches: BranchSet = createBranchSet()

  constructor(options: ParsedOptions) {
    this.#options = options
    this.#connection = createConnection(options)
  }

  async open(options: { branches: readonly string[] }): Promise<void> {
    this.#branches = createBranchSet(options.branches.filter((prefix) => prefix !== ''))
    invariant(
      this.#branches.prefixes.every((prefix, branch) => prefix === options.branches[branch]),
      'branches come in the order the archive numbers them',
    )
    await this.#connection.open()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async readStripes(): Promise<readonly (StripeState | undefined)[]> {
    const order = this.#known.nextOrder()
    const metas = await this.#readHashes(
      Array.from({ length: STRIPE_COUNT }, (_, stripe) => ({
        key: this.metaKeyOf(stripe),
        fields: [...META_FIELDS],
      })),
    )
    const decodeCutOnce = cutDecoder()
    return Promise.all(
      metas.map(async (meta, stripe) => {
        const read = decodeMeta(stripe, meta, decodeCutOnce)
        if (read === undefined || read.revision === read.state.epoch) {
          this.#known.learn(stripe, order, read && { ...read, leafEpochs: new Map() })
          return read?.state
        }
        const known = this.#known.get(stripe)
        if (known?.revision === read.revision) {
          this.#known.learn(stripe, order, { ...read, leafEpochs: known.leafEpochs })
          return read.state
        }
        return this.#loadLeafEpochs(stripe)
      }),
    )
  }

  async get(id: string): Promise<Lookup> {
    const stripe = stripeOfId(id)
    if (this.#known.get(stripe) === undefined) return SUSPENDED
    try {
      const key = this.#options.keys.itemIn(stripe, id)
      return this.#judge(id, stripe, await this.#connection.run((client) => client.getBuffer(key)))
    } catch (cause) {
      return { kind: 'unknown', because: unknownCauseOf(cause), cause }
    }
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    const lookups: Lookup[] = new Array<Lookup>(ids.length).fill(SUSPENDED)
    const stripes = new Uint8Array(ids.length)
    const asked: number[] = []
    for (let index = 0; index < ids.length; index++) {
      const stripe = stripeOfId(ids[index]!)
      stripes[index] = stripe
      if (this.#known.get(stripe) !== undefined) asked.push(index)
    }
    if (asked.length === 0) return lookups
    const calls = this.#connection.isCluster ? byStripe(asked, stripes) : inSlices(asked, READ_CALL_ITEMS)
    const read = async (client: ScriptClient, positions: readonly number[]) => {
      const keys = positions.map((index) => this.#options.keys.itemIn(stripes[index]!, ids[index]!))
      const entries = await client.mgetBuffer(keys)
      for (let at = 0; at < positions.length; at++) {
        const index = positions[at]!
        lookups[index] = this.#judge(ids[index]!, stripes[index]!, entries[at] ?? null)
      }
    }
    try {
      await this.#connection.run((client) => Promise.all(calls.map((positions) => read(client, positions))))
      return lookups
    } catch (cause) {
      const unknown: Lookup = { kind: 'unknown', because: unknownCauseOf(cause), cause }
      return ids.map(() => unknown)
    }
  }

  #judge(id: string, stripe: number, entry: Buffer | null): Lookup {
    if (entry === null || !this.#known.counts(stripe, entry, () => this.#leafOf(id))) return ABSENT
    return { kind: 'found', item: decodeEntry(id, entry) }
  }

  #leafOf(id: string): number {
    return leafNumber(this.#branches.branchOf(id), bucketOfId(id))
  }

  async readPermits(ids: readonly string[]): Promise<readonly (CachePermit | undefined)[]> {
    const permits: (CachePermit | undefined)[] = ids.map(() => undefined)
    if (ids.length === 0) return permits
    const leaves = ids.map((id) => this.#leafOf(id))
    const stripes = byStripe(
      ids.map((_, index) => index),
      Uint8Array.from(leaves, (leaf) => stripeOfBucket(leaf % BUCKET_COUNT)),
    ).map((positions) => ({
      key: this.metaKeyOf(stripeOfBucket(leaves[positions[0]!]! % BUCKET_COUNT)),
      positions,
    }))
    const metas = await this.#readHashes(
      stripes.map(({ key, positions }) => ({
        key,
        fields: ['epoch', 'revision', ...positions.map((index) => tokenField(leaves[index]!))],
      })),
    )
    // Leaf epochs are rare, and asked for only where there are some. Read after the tokens: who makes a leaf
    // epoch sets a token too, so that a token read before it creates nothing under it.
    const epochs = await this.#readHashes(
      stripes.map(({ key, positions }, at) => {
        const [epoch, revision] = metas[at]!
        const hasLeafEpochs = epoch && revision && !epoch.equals(revision)
        return { key, fields: hasLeafEpochs ? positions.map((index) => epochField(leaves[index]!)) : [] }
      }),
    )
    stripes.forEach(({ positions }, at) => {
      const [epoch, , ...tokens] = metas[at]!
      if (!epoch) return
      const stripeEpoch = epoch.toString('hex')
      positions.forEach((index, position) => {
        permits[index] = {
          id: ids[index]!,
          token: tokens[position]?.toString('latin1') ?? TOKEN_NONE,
          epoch: epochs[at]![position]?.toString('hex') ?? stripeEpoch,
        }
      })
    })
    return permits
  }

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
    const freshToken = this.#randomHex()
    const outcomes: CachePutOutcome[] = puts.map(() => 'unknown')
    await this.#connection.run((client) => {
      const put = async (call: PutCall) => {
        const letters = (await client.sePutBuffer(
          call.keys.length,
          ...call.keys,
          freshToken,
          call.groupCount,
          call.reading,
          this.#options.ttlMs ?? '',
          call.blob,
        )) as Buffer
        call.positions.forEach((position, at) => (outcomes[position] = decodeOutcome(letters[at]!)))
      }
      return Promise.all(
        planPuts(puts, this.#branches, this.#options.keys, !this.#connection.isCluster).map(put),
      )
    })
    return outcomes
  }

  async createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<boolean> {
    return this.#seat(stripe, undefined, cut, leaves)
  }

  async resetStripe(expected: StripeState, cut: Cut, leaves: readonly StoredLeaf[]): Promise<boolean> {
    return this.#seat(expected.stripe, expected, cut, leaves)
  }

  async #seat(
    stripe: number,
    expected: StripeState | undefined,
    cut: Cut,
    leaves: readonly StoredLeaf[],
  ): Promise<boolean> {
    const order = this.#known.nextOrder()
    const epoch = this.#options.random.bytes(EPOCH_BYTES)
    const isSeated = await this.#connection.run((client) =>
      client.seSeatBuffer(
        1,
        this.metaKeyOf(stripe),
        ...(expected === undefined
          ? ['', '']
          : [Buffer.from(expected.epoch, 'hex'), encodeCut(expected.cut)]),
        Buffer.from(epoch),
        encodeCut(cut),
        encodeLeaves(leaves, sumsField),
      ),
    )
    if (isSeated !== 1) return false
    const epochHex = Buffer.from(epoch).toString('hex')
    this.#known.learn(stripe, order, {
      state: { stripe, cut, epoch: epochHex },
      revision: epochHex,
      leafEpochs: new Map(),
    })
    return true
  }

  async finishStripe(
    state: StripeState,
    rows: readonly LedgerRow[],
    to: Cut,
  ): Promise<readonly string[] | undefined> {
    const { items, leaves } = this.#shareOf(rows)[state.stripe]!
    const sums = await this.#sumsAfter(state, leaves)
    if (sums === undefined) return undefined
    const freshToken = this.#randomHex()
    const slices = inSlices(items, CALL_ITEMS_MAX)
    const last = slices.pop() ?? []
    const removed: string[] = []
    const finish = async (slice: readonly FinishItem[], isLast: boolean) => {
      const keys = slice.map((item) => this.#options.keys.itemIn(state.stripe, item.id))
      const letters = (await this.#connection.run((client) =>
        client.seFinishBuffer(
          1 + keys.length,
          this.metaKeyOf(state.stripe),
          ...keys,
          Buffer.from(state.epoch, 'hex'),
          encodeCut(state.cut),
          sums.revision,
          freshToken,
          isLast ? encodeCut(to) : '',
          encodeBounds(slice),
          isLast ? sums.encoded : '',
        ),
      )) as Buffer | null
      if (letters === null) return false
      slice.forEach((item, at) => {
        if (letters[at] === 0x31) removed.push(item.id)
      })
      return true
    }
    // What is older may go, and tokens may change, at any time after the rows were committed; only sums and
    // cut must move in one step. So a long tail goes in several calls, and the last one moves the stripe.
    for (const slice of slices) if (!(await finish(slice, false))) return undefined
    return (await finish(last, true)) ? removed : undefined
  }

  #shareOf(rows: readonly LedgerRow[]): readonly StripeShare[] {
    let shares = this.#shares.get(rows)
    if (shares === undefined) {
      shares = shareOut(rows, this.#branches)
      this.#shares.set(rows, shares)
    }
    return shares
  }

  /**
   * Reads the sums of the leaves and adds what the rows bring. The script sets them only if epoch, cut and
   * revision are still those they were read under.
   */
  async #sumsAfter(
    state: StripeState,
    leaves: readonly FinishLeaf[],
  ): Promise<{ revision: Buffer | ''; encoded: Buffer | '' } | undefined> {
    if (leaves.length === 0) return { revision: '', encoded: '' }
    const fields = leaves.map((leaf) => sumsField(leafNumber(leaf.branch, leaf.bucket)))
    const [meta] = await this.#readHashes([
      { key: this.metaKeyOf(state.stripe), fields: ['revision', ...fields] },
    ])
    const [revision, ...stored] = meta!
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
    const fields = await this.#readLeafFields(stripe, 's')
    if (fields === undefined) return undefined
    const leaves: StoredLeaf[] = []
    for (const { branch, bucket, value } of fields.leaves) {
      if (!isEmptyLeaf(decodeLeaf(value))) leaves.push({ branch, bucket, sums: new Uint8Array(value) })
    }
    return { state: fields.state, leaves }
  }

  async invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<boolean> {
    if (leaves.length === 0) return true
    const isDone = await this.#connection.run((client) =>
      client.seInvalidateBuffer(
        1,
        this.metaKeyOf(state.stripe),
        Buffer.from(state.epoch, 'hex'),
        encodeCut(state.cut),
        Buffer.from(this.#options.random.bytes(EPOCH_BYTES)),
        this.#randomHex(),
        Buffer.from(this.#options.random.bytes(EPOCH_BYTES)),
        encodeLeaves(leaves, leafName),
      ),
    )
    if (isDone !== 1) return false
    // This process must not answer from these leaves until its next poll either.
    await this.#loadLeafEpochs(state.stripe)
    return true
  }

  async timeToLiveMs(id: string): Promise<number | undefined> {
    const leftMs = await this.#connection.run((client) => client.pttl(this.keyOf(id)))
    return leftMs >= 0 ? leftMs : undefined
  }

  keyOf(id: string): string {
    return this.#options.keys.item(id)
  }

  metaKeyOf(stripe: number): string {
    return this.#options.keys.meta(stripe)
  }

  /**
   * Reads fields of hashes in one round trip, in none where no field is asked for. On Cluster a pipeline must
   * stay on one node, so none is used.
   */
  async #readHashes(
    hashes: readonly { key: string; fields: readonly string[] }[],
  ): Promise<(Buffer | null)[][]> {
    const answers: (Buffer | null)[][] = hashes.map(() => [])
    const asked = [...hashes.entries()].filter(([, { fields }]) => fields.length > 0)
    if (asked.length === 0) return answers
    return this.#connection.run(async (client) => {
      if (this.#connection.isCluster || asked.length === 1) {
        await Promise.all(
          asked.map(async ([index, { key, fields }]) => {
            answers[index] = await client.hmgetBuffer(key, ...fields)
          }),
        )
        return answers
      }
      const pipeline = client.pipeline()
      for (const [, { key, fields }] of asked) pipeline.hmgetBuffer(key, ...fields)
      const results = (await pipeline.exec()) ?? []
      asked.forEach(([index], at) => {
        const [error, values] = results[at]!
        if (error) throw error
        answers[index] = values as (Buffer | null)[]
      })
      return answers
    })
  }

  async #loadLeafEpochs(stripe: number): Promise<StripeState | undefined> {
    const order = this.#known.nextOrder()
    const fields = await this.#readLeafFields(stripe, 'e')
    if (fields === undefined) {
      this.#known.learn(stripe, order, undefined)
      return undefined
    }
    const leafEpochs = new Map<number, string>()
    for (const { branch, bucket, value } of fields.leaves) {
      leafEpochs.set(leafNumber(branch, bucket), value.toString('hex'))
    }
    this.#known.learn(stripe, order, { state: fields.state, revision: fields.revision, leafEpochs })
    return fields.state
  }

  async #readLeafFields(stripe: number, kind: 's' | 'e') {
    const answer = (await this.#connection.run((client: ScriptClient) =>
      client.seReadBuffer(1, this.metaKeyOf(stripe), kind),
    )) as Buffer[] | null
    if (answer === null) return undefined
    const read = decodeMeta(stripe, answer.slice(0, META_FIELDS.length), decodeCut)
    if (read === undefined) return undefined
    const leaves: { branch: number; bucket: number; value: Buffer }[] = []
    for (let at = META_FIELDS.length; at < answer.length; at += 2) {
      const leaf = leafOfField(answer[at]!)
      leaves.push({
        branch: Math.floor(leaf / BUCKET_COUNT),
        bucket: leaf % BUCKET_COUNT,
        value: answer[at + 1]!,
      })
    }
    return { ...read, leaves }
  }

  #randomHex(): string {
    return Buffer.from(this.#options.random.bytes(EPOCH_BYTES)).toString('hex')
  }
}

const ABSENT: Lookup = Object.freeze({ kind: 'absent' })
/** The stripe has no meta, as far as this process has heard: it is out of service until someone makes one. */
const SUSPENDED: Lookup = Object.freeze({ kind: 'unknown', because: 'suspended' })

/** @returns `undefined` where there is no meta, or one that is damaged, which `createStripe` replaces */
function decodeMeta(
  stripe: number,
  [epoch, cut, revision]: readonly (Buffer | null)[],
  decode: (text: string) => Cut,
): Omit<KnownStripe, 'leafEpochs'> | undefined {
  if (epoch?.length !== EPOCH_BYTES || revision?.length !== EPOCH_BYTES || !cut) return undefined
  try {
    return {
      state: { stripe, cut: decode(cut.toString('latin1')), epoch: epoch.toString('hex') },
      revision: revision.toString('hex'),
    }
  } catch (error) {
    if (error instanceof CorruptData) return undefined
    throw error
  }
}

/** Most stripes stand at the same cut. */
function cutDecoder(): (text: string) => Cut {
  const cuts = new Map<string, Cut>()
  return (text) => {
    const cut = cuts.get(text) ?? decodeCut(text)
    cuts.set(text, cut)
    return cut
  }
}

function byStripe(indexes: readonly number[], stripes: Uint8Array): number[][] {
  const lists: number[][] = Array.from({ length: STRIPE_COUNT }, () => [])
  for (const index of indexes) lists[stripes[index]!]!.push(index)
  return lists.filter((list) => list.length > 0)
}

function inSlices<T>(list: readonly T[], length: number): T[][] {
  const slices: T[][] = []
  for (let at = 0; at < list.length; at += length) slices.push(list.slice(at, at + length))
  return slices
}

function encodeBounds(items: readonly FinishItem[]): Buffer {
  const bytes = Buffer.allocUnsafe(items.length * (LEAF_FIELD_BYTES + STAMP_BYTES))
  let at = 0
  for (const { branch, bucket, bound } of items) {
    at += bytes.write(tokenField(leafNumber(branch, bucket)), at, 'latin1')
    encodeStamp(bound, bytes, at)
    at += STAMP_BYTES
  }
  return bytes
}

function encodeLeaves(leaves: readonly StoredLeaf[], nameOf: (leaf: number) => string): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      invariant(leaf.sums.length === LEAF_BYTES, 'sums of a leaf have 28 bytes', { length: leaf.sums.length })
      return [Buffer.from(nameOf(leafNumber(leaf.branch, leaf.bucket)), 'latin1'), leaf.sums]
    }),
  )
}
