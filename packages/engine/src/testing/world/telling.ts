import type { ArchiveBatch, ArchiveTier, Cut, WriteOutcome } from '@se/core'
import type { Moment } from '../model/archive-history.ts'
import type { Model } from '../model/model.ts'
import type { Told } from '../model/told.ts'

/** Of what moment an answer of the archive is. */
const moments = new WeakMap<object, Moment>()

/** An archive of whose answers about its ledger it is noted when they were given, however late they arrive. */
export function noting(archive: ArchiveTier, model: Pick<Model, 'now'>): ArchiveTier {
  const noted = async <Answer extends object>(answer: Promise<Answer>): Promise<Answer> => {
    const given = await answer
    moments.set(given, model.now())
    return given
  }
  return withCalls(archive, {
    readTail: (from: Cut) => noted(archive.readTail(from)),
    readTree: () => noted(archive.readTree()),
  })
}

/** An archive whose answers tell the model what they tell a process, once they have reached it. */
export function telling(
  archive: ArchiveTier,
  told: Told,
  life: { readonly process: number; readonly life: number },
): ArchiveTier {
  const heard = async <Answer extends object>(answer: Promise<Answer>): Promise<Answer> => {
    const given = await answer
    told.hear(life, moments.get(given)!)
    return given
  }
  return withCalls(archive, {
    readTail: (from: Cut) => heard(archive.readTail(from)),
    readTree: () => heard(archive.readTree()),
    putBatch: async (batch: ArchiveBatch) => {
      told.send(life, batch.writes)
      const committed = await archive.putBatch(batch)
      told.answer(
        life,
        batch.writes.filter((_, index) => isFinal(committed.outcomes[index]!)),
      )
      return committed
    },
  })
}

/** What is refused is pending until it is set aside, and what loses to a stamp from the future goes on under another one. */
function isFinal(outcome: WriteOutcome): boolean {
  return outcome.kind !== 'refused' && !(outcome.kind === 'superseded' && outcome.isFromFuture)
}

/** The same tier with other calls. */
export function withCalls<T extends object>(tier: T, calls: Partial<T>): T {
  return new Proxy(tier, {
    get(target, name) {
      const value: unknown = Reflect.get(name in calls ? calls : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
