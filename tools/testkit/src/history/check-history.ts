/**
 * A checker of histories: what several processes asked an engine for, with begin and end, and what they were told. It
 * says which read was older than it may be, invented or resurrected.
 *
 * It never guesses. Only what follows from the promises and from the answers of the history counts, and each rule is
 * weakened until it holds for every run of a correct engine:
 *
 * 1. **Own writes.** A process that acknowledged a write, or read an own one, reads from then on that or something with
 *    a newer stamp, by any consistency. The next process on the same log directory does so too, except for what had only
 *    level `memory`. A receipt that says `supersededBy` made the newer stamp known in the same way.
 * 2. **`source`** reads nothing older than what was known to be committed before the read began. Known to be committed
 *    is: what was acknowledged at level `archive` (or what superseded it); what a worker had acknowledged or read of its
 *    own when a `flush()` began that has ended; what somebody read who cannot have it from his own memory or log.
 * 3. **Δ.** Any other read, and `containsFast`, is not older than what was known to be committed Δ before it began.
 * 4. **Deaf.** While an engine says that it cannot hear of others (`isDeaf`), it may answer with an own pending write,
 *    however old. So a deaf read that answers with an own write, or with what an own delete explains, is held to rule 1
 *    alone. These reads are counted.
 * 5. **Absent** is right where nothing must be there, or where a delete that had begun may be as new as what must be there:
 *    its stamp is, or is not known and may be, or it began when that was known already: the clock of its process was behind,
 *    and such a write may be stamped anew. A value that began when something newer was committed is right likewise. A delete without an answer may happen at any later time; its stamp was drawn before its process ended, so
 *    writes that began later than that, by more than clocks err, are newer. `present` is judged alike.
 * 6. **Invented** is a value that nobody had begun to write when the read ended, that was written to another id, or of
 *    which the engine said that nothing happened.
 * 7. **Stamps.** Two writes never have one stamp; a value is never read with an older stamp than its receipt says; and an
 *    acknowledged write of an id is newer than all of that id that the process had acknowledged or read when it began.
 * 8. **Settled.** After `settledUs`, and Δ, all reads of an id give the same.
 *
 * What is *not* claimed: a write without an answer, or with an error, may appear at any time or never; a write that lost
 * by its stamp may never be seen by anybody; a process may read something older than it read before, as long as rules 1
 * to 3 hold (counted, as `wentBack`). An error is no absence and no fault here; it is counted.
 *
 * The rules assume that the archive does not go back (no restore, no failover that loses commits), that nothing was
 * parked, and that clocks which make stamps err by at most `clockErrorMs`.
 */
import { isNewer } from '@se/core'
import { Floors, itemsOf } from './floors.ts'
import type { History, Operation, ReadItem } from './operation.ts'
import { newerMark, type Mark } from './rising-floor.ts'
import { findStampFaults } from './stamp-faults.ts'
import type { Anomaly, CheckOptions, HistoryCounts, Verdict } from './verdict.ts'
import { Writes } from './writes.ts'

/** Judges a history by the rules above. Pure: the same history gives the same verdict. */
export function checkHistory(history: History, options: CheckOptions = {}): Verdict {
  return new Check(history, options).run()
}

/** What must not be forgotten when a read begins. */
interface Demand {
  /** By the process itself. */
  readonly own: Mark | undefined
  /** By anybody; the newer of own and committed. */
  readonly all: Mark | undefined
}

class Check {
  readonly #history: History
  readonly #stalenessUs: number
  readonly #writes: Writes
  readonly #floors: Floors
  readonly #anomalies: Anomaly[] = []
  #counts = {
    reads: 0,
    bounded: 0,
    unanswered: 0,
    deaf: 0,
    wentBack: 0,
    oldestReadUs: 0,
    oldestDeafReadUs: 0,
  }

  constructor(history: History, { stalenessMs = 500, clockErrorMs = 5_000 }: CheckOptions) {
    this.#history = history
    this.#stalenessUs = stalenessMs * 1000
    this.#writes = new Writes(history, clockErrorMs)
    this.#floors = new Floors(history, this.#writes)
  }

  run(): Verdict {
    const operations = this.#history.operations.toSorted((a, b) => a.beganUs - b.beganUs)
    for (const operation of operations) this.#judge(operation)
    this.#anomalies.push(...findStampFaults(operations, this.#writes, this.#floors))
    this.#findDiverged(operations)
    this.#anomalies.sort((a, b) => a.operation.beganUs - b.operation.beganUs)
    const counts: HistoryCounts = {
      operations: operations.length,
      writes: this.#writes.all.length,
      acknowledged: this.#writes.all.filter(({ stamp }) => stamp !== undefined).length,
      ...this.#counts,
    }
    return { anomalies: this.#anomalies, counts }
  }

  #judge(operation: Operation): void {
    const { call, answer } = operation
    if (call.kind === 'submit' || call.kind === 'delete' || call.kind === 'flush') return
    if (operation.endedUs === undefined || answer?.kind === 'failed') this.#counts.unanswered++
    for (const [id, item] of itemsOf(operation)) {
      if (item === null) this.#judgePresence(operation, id, 'absent')
      else this.#judgeItem(operation, id, item)
    }
    if (call.kind === 'containsFast' && answer?.kind === 'said') {
      if (answer.presence === 'present' || answer.presence === 'absent') {
        this.#judgePresence(operation, call.id, answer.presence)
      }
    }
  }

  #demandOf(operation: Operation, id: string): Demand {
    const { call, beganUs } = operation
    const isSource = call.kind === 'get' && call.consistency === 'source'
    const own = this.#floors.own(operation, id, beganUs)
    const committed = this.#floors.committed(id, isSource ? beganUs : beganUs - this.#stalenessUs)
    const all = newerMark(own, committed)
    this.#counts.reads++
    if (all !== undefined) this.#counts.bounded++
    return { own, all }
  }

  #judgeItem(operation: Operation, id: string, item: ReadItem): void {
    const { own, all } = this.#demandOf(operation, id)
    const write = this.#writes.ofValue(item.value, operation.endedUs!)
    if (write?.id !== id) {
      this.#anomalies.push({ kind: 'invented', id, operation, item })
      return
    }
    const isOwnWrite = write.operation.worker === operation.worker
    const isAbove = (floor: Mark | undefined) => floor === undefined || !isNewer(floor.stamp, item.stamp)
    const isExcused = operation.isDeaf === true && isOwnWrite && isAbove(own)
    const outdatedUs = operation.beganUs - (this.#floors.outdatedSince(id, item.stamp) ?? operation.beganUs)
    const readBefore = this.#floors.read(operation, id, operation.beganUs)
    const hasGoneBack = readBefore !== undefined && isNewer(readBefore.stamp, item.stamp)
    if (hasGoneBack) this.#counts.wentBack++
    if (isExcused) this.#counts.oldestDeafReadUs = Math.max(this.#counts.oldestDeafReadUs, outdatedUs)
    else this.#counts.oldestReadUs = Math.max(this.#counts.oldestReadUs, outdatedUs)
    if (isAbove(all)) return
    // Begun when the newer one was committed already: its clock was behind, and it may yet be stamped anew (rule 5).
    if (isAbove(own) && write.operation.beganUs > all!.atUs) return
    if (isExcused) {
      this.#counts.deaf++
      return
    }
    const floor = isAbove(own) ? all! : own!
    const isResurrected = hasGoneBack || this.#writes.deleteWith(id, floor.stamp) !== undefined
    this.#anomalies.push({
      kind: isResurrected ? 'resurrected' : 'stale',
      id,
      operation,
      item,
      floor,
      isOwn: floor === own,
    })
  }

  #judgePresence(operation: Operation, id: string, presence: 'present' | 'absent'): void {
    const { own, all } = this.#demandOf(operation, id)
    const untilUs = operation.endedUs!
    const isPossible = (floor: Mark | undefined, worker?: number) =>
      presence === 'present'
        ? this.#writes.mayBePresent(id, floor, untilUs, worker)
        : (floor === undefined && worker === undefined) ||
          this.#writes.mayBeAbsent(id, floor, untilUs, worker)
    if (isPossible(all)) return
    if (operation.isDeaf === true && isPossible(own, operation.worker)) {
      this.#counts.deaf++
      return
    }
    const floor = isPossible(own) ? all : own
    const unjustified = floor === undefined ? 'invented' : 'resurrected'
    this.#anomalies.push({
      kind: presence === 'absent' ? 'lost' : unjustified,
      id,
      operation,
      item: null,
      ...(floor === undefined ? {} : { floor, isOwn: floor === own }),
    })
  }

  /** Rule 8. */
  #findDiverged(operations: readonly Operation[]): void {
    const settledUs = (this.#history.settledUs ?? Number.POSITIVE_INFINITY) + this.#stalenessUs
    const first = new Map<string, { readonly operation: Operation; readonly item: ReadItem | null }>()
    for (const operation of operations) {
      if (operation.beganUs <= settledUs || operation.isDeaf === true) continue
      for (const [id, item] of itemsOf(operation)) {
        const before = first.get(id)
        if (before === undefined) first.set(id, { operation, item })
        else if (before.item?.value !== item?.value) {
          this.#anomalies.push({ kind: 'diverged', id, operation, item, other: before.operation })
        }
      }
    }
  }
}
