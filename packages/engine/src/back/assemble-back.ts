import type { ArchiveDescription, BranchSet, InstanceClaim, Random } from '@se/core'
import { createRowDigester, DigestTree } from '@se/merkle'
import type { GuardedArchive } from '../guard/guard-archive.ts'
import type { GuardedCache } from '../guard/guard-cache.ts'
import type { BackEnd } from '../seam/channel.ts'
import type { Telemetry } from '../telemetry.ts'
import { serveBack } from './back-plane.ts'
import { BatchWriter } from './batch-writer.ts'
import { CacheDelivery } from './cache-delivery.ts'
import { CacheSync } from './cache-sync.ts'
import { CacheView } from './cache-view.ts'
import { InstanceUpkeep } from './instance-upkeep.ts'
import { LedgerFollower } from './ledger-follower.ts'
import { OwnLedger } from './own-ledger.ts'
import { Poller } from './poller.ts'
import { TreeView } from './tree-view.ts'

/** What the back is made of. */
export interface BackDependencies {
  readonly archive: GuardedArchive
  readonly cache: GuardedCache | undefined
  readonly branches: BranchSet
  /** Δ, ms. */
  readonly stalenessMs: number
  readonly description: Pick<ArchiveDescription, 'birthId' | 'digestKey'>
  readonly claim: InstanceClaim
  readonly random: Pick<Random, 'bytes'>
  readonly telemetry: Telemetry
}

/** Wires the back, and has it answer at its end of the channel. Nothing runs yet. */
export function assembleBack(
  front: BackEnd,
  { archive, cache, branches, stalenessMs, description, claim, random, telemetry }: BackDependencies,
): void {
  const ledger = new OwnLedger({
    archive,
    claim,
    random,
    onCommitted: (position) => front.send({ kind: 'committed', position }),
  })
  const follower: LedgerFollower = new LedgerFollower(
    {
      archive,
      branches,
      tree: new TreeView(new DigestTree(branches), telemetry.observer),
      front,
      wentBack: () => cacheView?.archiveWentBack(),
      telemetry,
    },
    claim.archiveId,
  )
  const cacheView: CacheView | undefined =
    cache === undefined
      ? undefined
      : new CacheView({
          cache,
          archive,
          follower,
          front,
          round: () => poller.round,
          telemetry,
          identity: { branches, birthId: description.birthId },
          stalenessMs,
        })
  const poller = new Poller({
    archive,
    follower,
    cacheSync: new CacheSync({ cacheView, front, telemetry }),
    ledger,
    front,
    telemetry,
  })
  const delivery = new CacheDelivery({
    cache: () => (cacheView?.isAttached === true ? cache : undefined),
    telemetry,
    delivered: (items) => front.send({ kind: 'delivered', items }),
  })
  serveBack(front, {
    batches: new BatchWriter({ archive, ledger, delivery, telemetry }),
    delivery,
    ledger,
    upkeep: new InstanceUpkeep({ archive, ledger, telemetry }),
    follower,
    poller,
    verification: {
      archive,
      cache,
      cacheView,
      follower,
      branches,
      digester: createRowDigester(description.digestKey),
    },
    cacheView,
  })
}
