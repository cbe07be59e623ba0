import { sequenceAt, type ArchiveTier, type Heads } from '@se/core'
import type { BackEnd } from '../seam/channel.ts'
import type { PollSent } from '../seam/standing.ts'
import type { Telemetry } from '../telemetry.ts'
import type { CacheSync, PolledHeads } from './cache-sync.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import type { OwnLedger } from './own-ledger.ts'

export interface PollerPorts {
  readonly archive: Pick<ArchiveTier, 'readHeads'>
  readonly follower: Pick<LedgerFollower, 'catchUp' | 'isBehind' | 'startOver'>
  readonly cacheSync: Pick<CacheSync, 'bring' | 'brought' | 'settled'>
  readonly ledger: Pick<OwnLedger, 'claim' | 'position'>
  readonly front: Pick<BackEnd, 'send'>
  readonly telemetry: Telemetry
}

/** Asks the archive how far it has come, and brings what follows it there, as often as the front asks. */
export class Poller {
  readonly #ports: PollerPorts
  /** Of the last poll that was applied. */
  #moment: PolledHeads | undefined
  #round = 0
  /** Own sequences up to here were committed and are gone, and the views have started over for it. */
  #lostThrough = 0

  constructor(ports: PollerPorts) {
    this.#ports = ports
  }

  /** Of the last poll that was asked for: heads that are read from now on have all that became known in earlier rounds. */
  get round(): number {
    return this.#round
  }

  /** @throws TierUnavailable when the archive does not answer */
  async reach(sent: PollSent): Promise<Heads> {
    const { archive, follower, ledger, front, telemetry } = this.#ports
    const { clock } = telemetry
    this.#round = sent.round
    const sentAtMs = clock.monotonicMs()
    const committed = ledger.position.sequence
    const heads = await archive.readHeads()
    const receivedAtMs = clock.monotonicMs()
    front.send({ kind: 'archive-time', sentAtMs, receivedAtMs, archiveMs: heads.nowMs })
    const own = sequenceAt(heads.cut, ledger.claim.instance)
    // A batch that was committed is gone: the archive was set back, so early that the views had not heard of it [P65].
    if (own < committed && committed > this.#lostThrough) {
      await follower.startOver()
      this.#lostThrough = committed
    } else if (follower.isBehind(heads.cut)) await follower.catchUp()
    this.#moment = { heads, sent }
    return heads
  }

  /** Brings the cache to the heads of the last poll. @param mayJoin a run that is under way is enough, which may have begun with older heads */
  async tend(mayJoin: boolean): Promise<void> {
    const { cacheSync } = this.#ports
    if (!mayJoin) await cacheSync.settled()
    const moment = this.#moment
    if (moment !== undefined && (mayJoin || cacheSync.brought !== moment)) await cacheSync.bring(moment)
  }
}
