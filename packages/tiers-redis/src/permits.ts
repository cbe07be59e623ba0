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

/**
 * Reads epoch and token of the ids' leaves, stripe by stripe. None is given for a stripe of which nothing is believed, or
 * under another epoch: what is put under it might be read by who has no business with it.
 *
 * @throws TierUnavailable, TierMisconfigured when no stripe that is believed in could be asked
 */
export async function readPermits(
  { connection, keys, branches, beliefs }: PermitPorts,
  ids: readonly string[],
): Promise<readonly (CachePermit | undefined)[]> {
  const permits: (CachePermit | undefined)[] = ids.map(() => undefined)
  const leaves = ids.map((id) => leafNumber(branches.branchOf(id), bucketOfId(id)))
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
    const believed = beliefs.get(stripe)?.facts.state.epoch
    const meta = keys.meta(stripe)
    try {
      const [epoch, revision, ...tokens] = await connection.run(stripe, (client) =>
        client.hmgetBuffer(meta, 'epoch', 'revision', ...ofStripe.map((index) => tokenField(leaves[index]!))),
      )
      const stripeEpoch = epoch?.toString('hex')
      if (!epoch || !revision || stripeEpoch !== believed) return
      // Leaf epochs are rare, and asked for only where there are some. Read after the tokens: who makes a leaf
      // epoch sets a token too, so that a token read before it creates nothing under it.
      const epochs = epoch.equals(revision)
        ? []
        : await connection.run(stripe, (client) =>
            client.hmgetBuffer(meta, ...ofStripe.map((index) => epochField(leaves[index]!))),
          )
      ofStripe.forEach((index, at) => {
        permits[index] = {
          id: ids[index]!,
          token: tokens[at]?.toString('latin1') ?? TOKEN_NONE,
          epoch: epochs[at]?.toString('hex') ?? stripeEpoch!,
        }
      })
    } catch (error) {
      // A stripe whose meta is of another type gives none; the next reading of the stripes removes it.
      if (fateOf(error) === 'wrong-type') return
      failed++
      failure ??= error
    }
  }
  await Promise.all([...positions].map(read))
  if (failed > 0 && failed === positions.size) throw failure
  return permits
}
