import { InstanceFenced, sequenceAt, StorageError, type ItemWrite } from '@se/core'
import { BatchAttempt } from '../flush/batch-attempt.ts'
import { BatchSender } from '../flush/batch-sender.ts'
import { Doubts } from '../flush/doubts.ts'
import { FlushReport } from '../flush/flush-report.ts'
import { FlushTally } from '../flush/flush-tally.ts'
import { FlushPipeline } from '../flush/pipeline.ts'
import { Retirement } from '../flush/retirement.ts'
import { Settlement } from '../flush/settlement.ts'
import type { BackClient } from '../seam/back-client.ts'
import type { FollowedViews } from '../views/followed-views.ts'
import { Restamping } from '../write/restamping.ts'
import type { Knowledge } from './assemble-knowledge.ts'
import type { EngineDependencies, Opened } from './dependencies.ts'

/** The way of writes to the archive. */
export interface Flushing {
  readonly sender: BatchSender
  readonly tally: FlushTally
  readonly pipeline: FlushPipeline
}

export function assembleFlushing(
  { config, observer, clock, random }: EngineDependencies,
  { log, parking, claim }: Pick<Opened, 'log' | 'parking' | 'claim'>,
  { heard, memory, queue, logRelease, stamping, watches }: Knowledge,
  followed: Pick<FollowedViews, 'cut'>,
  back: BackClient,
  onFenced: (error: InstanceFenced) => void,
): Flushing {
  const tally = new FlushTally()
  const sender = new BatchSender({ back, tally }, { sequence: claim.lastSequence, link: claim.lastLink })
  const settlement = new Settlement({
    memory,
    heard,
    restamping: new Restamping({ log, queue, memory, stamping, watches, heard, observer }),
    parking,
    stamping,
    heardThrough: () => sequenceAt(followed.cut, claim.instance),
    observer,
  })
  const attempts = { sender, back, settlement, doubts: new Doubts<ItemWrite>(), observer }
  const pipeline = new FlushPipeline(
    {
      queue,
      begin: (batch, cause) => new BatchAttempt(attempts, batch, cause, clock.monotonicMs()),
      logRelease,
      retirement: new Retirement(back),
      report: new FlushReport({ tally, sender, telemetry: { clock, observer } }),
      clock,
      random,
      onFailure(error) {
        if (error instanceof InstanceFenced) onFenced(error)
        if (error instanceof StorageError) return
        const what = 'a batch failed unexpectedly and will be sent again'
        observer.fault?.({ part: 'flush', what, error })
      },
    },
    config.batch,
  )
  return { sender, tally, pipeline }
}
