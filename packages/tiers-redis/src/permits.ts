import type { BranchSet, CachePermit } from '@se/core'
import { BUCKET_COUNT, bucketOfId, stripeOfBucket } from '@se/core/hash'
import type { Beliefs } from './beliefs.ts'
import type { RedisConnection } from './connection.ts'
import { fateOf } from './failures.ts'
import { epochField, leafNumber, tokenField, type CacheKeys } from './keys.ts'
import { TOKEN_NONE } from './scripts.ts'

export interface PermitPorts {
  readonly connection: Pick<RedisConnection, 'run'>
  readonly keys: CacheKeys
  readonly branches: BranchSet
  readonly beliefs: Beliefs
}

/** What was asked for, by its place in the caller's list. */
interface Asked {
  readonly ids: readonly string[]
  readonly leaves: readonly number[]
  readonly permits: (CachePermit | undefined)[]
}

/**
 * Reads epoch and token of the ids' leaves, stripe by stripe. None is given for a stripe of which nothing is believed, or
 * under another epoch: a process of another history might read what is put under it.
 *
 * @throws TierUnavailable, TierMisconfigured when no stripe that is believed in could be asked
 */
export async function readPermits(
  ports: PermitPorts,
  ids: readonly string[],
): Promise<readonly (CachePermit | undefined)[]> {
  const { branches, beliefs } = ports
  const leaves = ids.map((id) => leafNumber(branches.branchOf(id), bucketOfId(id)))
  const asked: Asked = { ids, leaves, permits: ids.map(() => undefined) }
  const positions = new Map<number, number[]>()
  leaves.forEach((leaf, index) => {
    const stripe = stripeOfBucket(leaf % BUCKET_COUNT)
    if (beliefs.get(stripe) === undefined) return
    const known = positions.get(stripe)
    if (known === undefined) positions.set(stripe, [index])
    else known.push(index)
  })
  let failed = 0
  let failure: unknown
  const read = async ([stripe, ofStripe]: [number, number[]]): Promise<void> => {
    try {
      await readOfStripe(ports, stripe, asked, ofStripe)
    } catch (error) {
      // A stripe whose meta is of another type gives none; the next reading of the stripes removes it.
      if (fateOf(error) === 'wrong-type') return
      failed++
      failure ??= error
    }
  }
  await Promise.all([...positions].map(read))
  if (failed > 0 && failed === positions.size) throw failure
  return asked.permits
}

/** @param positions of what is asked of this stripe */
async function readOfStripe(
  { connection, keys, beliefs }: PermitPorts,
  stripe: number,
  { ids, leaves, permits }: Asked,
  positions: readonly number[],
): Promise<void> {
  const believed = beliefs.get(stripe)?.facts.state.epoch
  const meta = keys.meta(stripe)
  const fields = (fieldOf: (leaf: number) => string) => positions.map((index) => fieldOf(leaves[index]!))
  const [epoch, revision, ...tokens] = await connection.run(stripe, (client) =>
    client.hmgetBuffer(meta, 'epoch', 'revision', ...fields(tokenField)),
  )
  const stripeEpoch = epoch?.toString('hex')
  if (!epoch || !revision || stripeEpoch !== believed) return
  // Leaf epochs are rare, and asked for only where there are some. Read after the tokens: a process that makes a leaf
  // epoch sets a token too, so that a token read before it creates nothing under it.
  const epochs = epoch.equals(revision)
    ? []
    : await connection.run(stripe, (client) => client.hmgetBuffer(meta, ...fields(epochField)))
  positions.forEach((index, at) => {
    permits[index] = {
      id: ids[index]!,
      token: tokens[at]?.toString('latin1') ?? TOKEN_NONE,
      epoch: epochs[at]?.toString('hex') ?? stripeEpoch!,
    }
  })
}
