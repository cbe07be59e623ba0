import { checkId, type Lookup, type Stamp } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import { leafOf } from '@se/merkle'
import { copyOf } from '../report.ts'
import type { EngineParts } from '../lifecycle/assemble.ts'
import type { EngineDependencies } from '../lifecycle/dependencies.ts'

/** Where an id is, tier by tier. Asks every tier, so it costs a round trip each; for people. */
export interface Explanation {
  readonly id: string
  readonly memory:
    { readonly stamp: Stamp; readonly version: number | undefined; readonly isDirty: boolean } | undefined
  /** An own write that is acknowledged and not yet in L3. */
  readonly pending:
    { readonly stamp: Stamp; readonly isDelete: boolean; readonly isInFlight: boolean } | undefined
  /** `undefined`: there is no cache. */
  readonly cache:
    | (TierExplanation & {
        /** `undefined`: the cache does not say. */
        readonly key: string | undefined
        readonly stripe: number
        /** Whether a read would ask it: its stripe was seen at the heads within Δ. */
        readonly mayAnswer: boolean
        readonly timeToLiveMs: number | undefined
      })
    | undefined
  readonly archive: TierExplanation
  readonly filter: {
    readonly answer: 'absent' | 'maybe'
    readonly isTrusted: boolean
    readonly because: string
    /** The filter has not heard yet of what this process knows of the id. */
    readonly isBehind: boolean
  }
  /** Branch (its prefix) and bucket of the id in the tree. */
  readonly leaf: { readonly branch: string; readonly bucket: number }
  /** Set aside because the archive refuses it: the value of the archive is what readers get. */
  readonly isParked: boolean
}

export interface TierExplanation {
  readonly kind: Lookup['kind']
  readonly stamp: Stamp | undefined
  readonly version: number | undefined
}

export async function explain(
  environment: EngineDependencies,
  runtime: EngineParts,
  id: string,
): Promise<Explanation> {
  checkId(id)
  const { archive, config } = environment
  const { memory, queue, parking } = runtime
  const entry = memory.peek(id)
  const waiting = queue.pending.entry(id)
  const { branch, bucket } = leafOf(id, config.branches)
  return {
    id,
    memory: entry && {
      stamp: copyOf(entry.item.stamp),
      version: entry.item.version,
      isDirty: entry.isPinned,
    },
    pending: waiting && {
      stamp: copyOf(waiting.write.stamp),
      isDelete: waiting.write.bytes === undefined,
      isInFlight: waiting.isInFlight,
    },
    cache: await explainCache(environment, runtime, id),
    archive: tierExplanation(await archive.get(id)),
    filter: explainFilter(runtime, id),
    leaf: { branch: config.branches.prefixes[branch] ?? '', bucket },
    isParked: parking.get(id) !== undefined,
  }
}

async function explainCache(
  { cache }: Pick<EngineDependencies, 'cache'>,
  { stripes }: Pick<EngineParts, 'stripes'>,
  id: string,
): Promise<Explanation['cache']> {
  if (cache === undefined) return undefined
  const lookup: Lookup =
    stripes?.isAttached === true ? await cache.get(id) : { kind: 'unknown', because: 'disconnected' }
  return {
    ...tierExplanation(lookup),
    key: cache.keyOf?.(id),
    stripe: stripeOfId(id),
    mayAnswer: stripes?.worthOf(id) !== undefined,
    timeToLiveMs: lookup.kind === 'found' ? await cache.timeToLiveMs?.(id) : undefined,
  }
}

function explainFilter(
  { filter, known }: Pick<EngineParts, 'filter' | 'known'>,
  id: string,
): Explanation['filter'] {
  const { trust } = filter
  return {
    answer: filter.holds(id) ? 'maybe' : 'absent',
    isTrusted: trust.isTrusted,
    because: trust.isTrusted ? 'count and sum of id hashes equal the tree' : trust.because,
    isBehind: known.get(id)?.isInFilter === false,
  }
}

function tierExplanation(lookup: Lookup): TierExplanation {
  switch (lookup.kind) {
    case 'found':
      return { kind: 'found', stamp: copyOf(lookup.item.stamp), version: lookup.item.version }
    case 'absent':
      return { kind: 'absent', stamp: copyOf(lookup.tombstone), version: undefined }
    case 'unknown':
      return { kind: 'unknown', stamp: undefined, version: undefined }
  }
}
