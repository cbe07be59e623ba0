import { compareStamps, isNewer, stampMs, type Stamp } from '@se/core'
import type { FastAnswer } from '../../index.ts'
import { Anomaly, type Rule } from '../anomaly.ts'
import { ArchiveHistory, type Commit, type Moment } from './archive-history.ts'
import { learn, mayHide, nameOf, type Issued } from './issued.ts'
import type { ModelPorts } from './model-ports.ts'
import { isOwnSince, type Heard, type Reading, type ReadValue } from './reading.ts'
import { keyOf, Told } from './told.ts'

/**
 * The oracle: what may be read. It knows every call and every commit, and nothing of how the engine works.
 *
 * - Nobody invents: a value was issued for this id and has the stamp it was given. With a version the archive has
 *   committed it, in the history that counts now (or that counted Δ ago); without one it is the reader's own.
 * - Own: not older than any own write that was acknowledged before the read began, whatever its level [R2].
 * - Heard: not older than what the same life of the process has read before.
 * - Others': not older than what was committed Δ before the read began; `source`: before it began [R5].
 * - Absent: the floor is a delete, or some delete that may be newer was issued.
 *
 * A write that was set aside, or that the archive lost when it went back, is no floor.
 */
export class Model {
  readonly issued: Issued[] = []
  readonly #archive = new ArchiveHistory()
  readonly #sent = new Map<string, number | undefined>()
  readonly #byValue = new Map<number, Issued>()
  readonly #heard = new Map<string, Heard[]>()
  /** What each life of a process was told by the archive. */
  readonly told: Told
  /** Ids whose entry in a cache was damaged: reads of them may give anything that the cache has. */
  readonly damaged = new Set<string>()
  readonly #ports: ModelPorts
  #order = 0
  #collectedMs = Number.NEGATIVE_INFINITY

  constructor(ports: ModelPorts) {
    this.#ports = ports
    this.told = new Told(
      () => this.now(),
      (id, stamp) => ports.isSetAside(id, [stamp], false),
    )
  }

  now(): Moment {
    return { order: ++this.#order, atMs: this.#ports.nowMs() }
  }

  // -------------------------------------------------------------------------------------------------------
  // What happens
  // -------------------------------------------------------------------------------------------------------

  issue(write: Pick<Issued, 'id' | 'value' | 'process' | 'life' | 'level'>): Issued {
    const issued: Issued = {
      ...write,
      order: this.now().order,
      stamps: [],
      stamp: undefined,
      acknowledgedOrder: undefined,
      hasFailed: false,
      isForgotten: false,
    }
    this.issued.push(issued)
    if (write.value !== undefined) this.#byValue.set(write.value, issued)
    return issued
  }

  acknowledge(issued: Issued, stamp: Stamp): void {
    learn(issued, stamp)
    issued.acknowledgedOrder = this.now().order
    if (issued.level === 'archive') this.checkArchived([issued], 'acknowledged at level archive')
  }

  /** A batch is on its way to the archive. */
  send(id: string, stamp: Stamp, value: number | undefined): void {
    this.#sent.set(keyOf(id, stamp), value)
  }

  commit(id: string, stamp: Stamp): void {
    const value = this.#sent.get(keyOf(id, stamp))
    const issued = value === undefined ? undefined : this.#byValue.get(value)
    // An item of the application may have the number of a write of the script.
    if (issued?.id === id) learn(issued, stamp)
    this.#archive.add({ id, stamp, value, ...this.now() })
  }

  /** The archive goes back to what it was at a moment. @returns how many commits it loses */
  goBack(to: Moment): number {
    return this.#archive.goBack(to, this.now())
  }

  /** Whether the archive went back behind a commit of the id. */
  hasLost(id: string): boolean {
    return this.#archive.commitsOf(id).some(({ voided }) => voided !== undefined)
  }

  /** Tombstones up to here are gone. @param floorMs by the archive's clock */
  collect(floorMs: number): void {
    this.#collectedMs = Math.max(this.#collectedMs, floorMs)
  }

  /** A process was killed, or could not save what it had in memory alone. */
  forgetMemoryLevel(process: number): void {
    for (const issued of this.issued) {
      if (issued.process === process && issued.level === 'memory') issued.isForgotten = true
    }
  }

  // -------------------------------------------------------------------------------------------------------
  // What may be seen
  // -------------------------------------------------------------------------------------------------------

  begin(reading: Omit<Reading, 'order' | 'atMs'>): Reading {
    return { ...reading, ...this.now() }
  }

  /**
   * @param isFresh whether the answer says that it is no older than Δ; own pending writes are read also while that is not known
   * @returns a write that was read before it was acknowledged: it must be acknowledged in this turn [W1]
   * @throws Anomaly
   */
  end(reading: Reading, read: ReadValue | undefined, isFresh: boolean): Issued | undefined {
    if (read === undefined) {
      this.#checkAbsent(reading, isFresh)
      return undefined
    }
    const { id, process } = reading
    const issued = typeof read.number === 'number' ? this.#byValue.get(read.number) : undefined
    const isDamaged = this.damaged.has(id)
    if (issued?.id !== id) {
      if (isDamaged) return undefined
      throw new Anomaly('invented', `${id} has a value nobody wrote: ${String(read.number)}`)
    }
    const isPending = read.version === undefined
    if (!isDamaged) this.#checkStamp(issued, read.stamp, isPending)
    const stamp = issued.stamp ?? read.stamp
    if (isPending && issued.process !== process) {
      throw new Anomaly('dirty', `${nameOf(issued)} is read by process ${process}, and is not committed`)
    }
    if (!isPending && !this.#wasThere(reading, isDamaged ? stamp : read.stamp)) {
      throw new Anomaly('lost-history', `${nameOf(issued)} is read, and the archive has lost it`)
    }
    const floor = this.#floor(reading, isPending ? [issued] : [], isFresh)
    if (floor !== undefined && isNewer(floor.stamp, stamp) && !isDamaged) {
      throw new Anomaly(floor.rule, `${nameOf(issued)} is read; ${floor.why}`)
    }
    this.#hear(reading, stamp, issued.level === 'memory')
    const mustBeAcknowledged =
      isPending && issued.level !== 'memory' && issued.life === reading.life && !issued.hasFailed
    return mustBeAcknowledged && issued.acknowledgedOrder === undefined ? issued : undefined
  }

  /** Checks an answer that was given at once, without a value: nobody was asked, so the process must be fresh. */
  checkFast(reading: Reading, answer: FastAnswer): void {
    if (this.damaged.has(reading.id)) return
    if (answer === 'absent') this.#checkAbsent(reading, true)
    if (answer !== 'present') return
    const pending = this.issued.filter(
      (issued) => issued.id === reading.id && issued.process === reading.process,
    )
    const floor = this.#floor(reading, pending, true)
    if (floor === undefined || floor.value !== undefined) return
    const isThere = this.issued.some(
      ({ id, value, stamp }) =>
        id === reading.id && value !== undefined && (stamp === undefined || isNewer(stamp, floor.stamp)),
    )
    if (!isThere) throw new Anomaly(floor.rule, `${reading.id} is said to be present; ${floor.why}`)
  }

  #checkAbsent(reading: Reading, isFresh: boolean): void {
    const { id, process } = reading
    if (this.damaged.has(id)) return
    const pendingDeletes = this.issued.filter(
      (issued) => issued.id === id && issued.process === process && this.#isOwnDelete(issued, reading),
    )
    const floor = this.#floor(reading, pendingDeletes, isFresh)
    if (floor?.value === undefined) return
    const isDeleted =
      this.issued.some((issued) => issued.id === id && this.#isOwnDelete(issued, reading, floor.stamp)) ||
      this.#archive
        .commitsOf(id)
        .some(
          (commit) =>
            commit.value === undefined && isNewer(commit.stamp, floor.stamp) && this.#counts(commit, reading),
        )
    if (!isDeleted) throw new Anomaly(floor.rule, `${id} is absent; ${floor.why}`)
  }

  /** An own delete that the archive has not committed, and that may be newer than a stamp. */
  #isOwnDelete(issued: Issued, reading: Reading, floor?: Stamp): boolean {
    if (issued.value !== undefined || issued.process !== reading.process || issued.isForgotten) return false
    // At this level it is seen once it is committed, and then the archive's history tells.
    if (issued.level === 'archive') return false
    const { id, stamp } = issued
    if (stamp === undefined) return true
    const isCommitted = this.#archive
      .commitsOf(id)
      .some((commit) => compareStamps(commit.stamp, stamp) === 0 && commit.voided === undefined)
    if (isCommitted || this.told.isSettled(reading, id, stamp)) return false
    return floor === undefined || isNewer(stamp, floor)
  }

  /** Whether a commit could be seen by a read: it counts now, or did until Δ before the read began. */
  #counts(commit: Commit, reading: Reading): boolean {
    const { voided } = commit
    if (voided === undefined) return true
    if (reading.consistency === 'source') return reading.order < voided.order
    return reading.atMs <= voided.atMs + this.#ports.stalenessMs || this.#isLostUnheard(commit, reading)
  }

  /**
   * Whether the archive lost the commit before the process was told of any ledger that has it. Then nothing tells the process that
   * something is lost, and what the archive or the cache gave it meanwhile stays: a known hole.
   */
  #isLostUnheard({ id, stamp, order, voided }: Commit, reading: Reading): boolean {
    if (voided === undefined || this.told.isAnswered(reading, id, stamp)) return false
    return !this.told.hasHeard(reading, order, voided.order)
  }

  /** Whether the archive had it under this very stamp; or it was an own one that was pending when the read began. */
  #wasThere(reading: Reading, stamp: Stamp): boolean {
    if (this.told.wasPending(reading, reading.id, stamp, reading.order)) return true
    return this.#archive
      .commitsOf(reading.id)
      .some((commit) => compareStamps(commit.stamp, stamp) === 0 && this.#counts(commit, reading))
  }

  #checkStamp(issued: Issued, stamp: Stamp, isPending: boolean): void {
    const isKnown = issued.stamps.some((each) => compareStamps(each, stamp) === 0)
    const wasSent = this.#sent.get(keyOf(issued.id, stamp)) === issued.value
    // Stamped anew above one from the future that it has lost to, it is read before it is sent again.
    const isAnew = isPending && this.#ports.hasClockJumped() && isNewer(stamp, issued.stamp)
    if (issued.stamps.length > 0 && !isKnown && !wasSent && !isAnew) {
      throw new Anomaly('stamp', `${nameOf(issued)} is read with another stamp than it has`)
    }
    learn(issued, stamp)
  }

  /**
   * The newest write that the read may not be older than.
   *
   * @param pending what was read is one of these own writes, which is not committed. It is read also while the process is not
   *   fresh; and before a write with a stamp from the future, as it will be stamped above that
   */
  #floor(reading: Reading, pending: readonly Issued[], isFresh: boolean): Floor | undefined {
    const { id, process, life, consistency, order, atMs } = reading
    const { stalenessMs, isMonotonic, isSetAside, wasSetAside, isFromFuture, hasClockJumped } = this.#ports
    const isPending = pending.length > 0
    const isWrittenSince = (since: number): boolean =>
      hasClockJumped() && pending.some((issued) => issued.order > since)
    const isOwnOnly = isPending && !isFresh
    let floor: Floor | undefined
    const raise = (rule: Rule, why: string, stamp: Stamp, value: number | undefined): void => {
      if (floor === undefined || isNewer(stamp, floor.stamp)) floor = { rule, why, stamp, value }
    }
    for (const issued of this.issued) {
      const { stamp, acknowledgedOrder } = issued
      if (issued.id !== id || issued.process !== process || stamp === undefined) continue
      if (acknowledgedOrder === undefined || acknowledgedOrder >= order || issued.isForgotten) continue
      if (
        this.#archive.isVoid(id, stamp, issued.order) ||
        isSetAside(id, issued.stamps, issued.level === 'memory') ||
        wasSetAside(id, issued.stamps, order) ||
        isWrittenSince(issued.order) ||
        this.issued.some((each) => mayHide(each, issued) && isSetAside(id, each.stamps, false))
      )
        continue
      raise('own', `${nameOf(issued)} was acknowledged to this process`, stamp, issued.value)
    }
    if (!isOwnOnly) {
      for (const commit of this.#archive.commitsOf(id)) {
        const isOldEnough = consistency === 'source' ? commit.order < order : commit.atMs < atMs - stalenessMs
        if (commit.voided !== undefined || !isOldEnough) continue
        if (this.#isUnanswered(commit, reading)) continue
        if (isWrittenSince(commit.order) || (isPending && isFromFuture(commit.stamp))) continue
        // Nobody can say any more that a delete was newer than the pending write, which the archive will park for it [W4].
        if (isPending && this.#archive.isCollected(commit, this.#collectedMs)) continue
        const ago = Math.round(atMs - commit.atMs)
        raise('stale', `${nameOf(commit)} was committed ${ago} ms before`, commit.stamp, commit.value)
      }
    }
    if (isMonotonic) {
      for (const heard of this.#heard.get(`${process} ${life} ${id}`) ?? []) {
        if (isWrittenSince(heard.order) || (isPending && isFromFuture(heard.stamp))) continue
        if (
          heard.order >= order ||
          this.#archive.isLostSince(id, heard.stamp, heard.order) ||
          isSetAside(id, [heard.stamp], heard.isMemoryLevel)
        )
          continue
        // What the cache has told is nobody's witness [P86]: memory, which `local` reads, may be older than that by Δ.
        if (consistency === 'local' && heard.consistency === 'shared') continue
        // Nor does an own write give way to it that was acknowledged since it was asked, until the archive has settled which is the newer one.
        const isTold = heard.consistency === 'source'
        if (!isTold && this.issued.some((issued) => isOwnSince(issued, reading, heard.askedOrder))) continue
        raise('back', 'this process has read newer before', heard.stamp, 0)
      }
    }
    return floor
  }

  /**
   * Whether it is an own write of a process that is alone, and the archive's answer to it has not been taken (as after a freeze):
   * nobody else writes, nobody has been told of it, so the read may come before it.
   */
  #isUnanswered({ stamp, value }: Commit, { id, process, life, consistency, order }: Reading): boolean {
    if (!this.#ports.isExclusive || consistency === 'source') return false
    return this.issued.some(
      (issued) =>
        issued.id === id &&
        issued.process === process &&
        issued.life === life &&
        issued.value === value &&
        !issued.hasFailed &&
        (issued.acknowledgedOrder ?? Infinity) >= order &&
        (issued.stamp === undefined || compareStamps(issued.stamp, stamp) === 0),
    )
  }

  #hear(reading: Reading, stamp: Stamp, isMemoryLevel: boolean): void {
    if (this.damaged.has(reading.id)) return
    const key = `${reading.process} ${reading.life} ${reading.id}`
    const heard = this.#heard.get(key) ?? []
    this.#heard.set(key, heard)
    if (heard.every((each) => isNewer(stamp, each.stamp)))
      heard.push({
        stamp,
        isMemoryLevel,
        consistency: reading.consistency,
        askedOrder: reading.order,
        ...this.now(),
      })
  }

  // -------------------------------------------------------------------------------------------------------
  // What must be stored
  // -------------------------------------------------------------------------------------------------------

  /** Acknowledged writes of a process: what a flush that begins now has to bring to the archive. */
  acknowledgedBy(process: number): readonly Issued[] {
    return this.issued.filter(
      (issued) => issued.process === process && issued.acknowledgedOrder !== undefined,
    )
  }

  /** The archive has held each of them, or something newer; or it was set aside. */
  checkArchived(writes: readonly Issued[], why: string): void {
    for (const issued of writes) {
      const { id, stamp, stamps, level, order, isForgotten } = issued
      if (stamp === undefined || isForgotten || this.#archive.isVoid(id, stamp, order)) continue
      if (this.#ports.isSetAside(id, stamps, level === 'memory')) continue
      const isStored = this.#archive.commitsOf(id).some((commit) => compareStamps(commit.stamp, stamp) >= 0)
      if (!isStored)
        throw new Anomaly('not-archived', `${nameOf(issued)} was ${why}, and the archive has older`)
    }
  }

  /**
   * Each of them was acknowledged and has been in the archive, or something newer. No excuse counts but that tombstones were
   * collected under a clock of the archive that was ahead: writes at or below that floor are parked, a known hole.
   */
  checkStored(writes: readonly Issued[]): void {
    for (const issued of writes) {
      const { id, stamp, stamps, acknowledgedOrder } = issued
      const isBelowFloor = stamp !== undefined && stampMs(stamp) <= this.#collectedMs
      if (isBelowFloor && this.#ports.isSetAside(id, stamps, false)) continue
      const isStored =
        stamp !== undefined &&
        this.#archive.commitsOf(id).some((commit) => compareStamps(commit.stamp, stamp) >= 0)
      if (acknowledgedOrder === undefined || !isStored) {
        throw new Anomaly('not-stored', `${nameOf(issued)} was written when all was well, and is not stored`)
      }
    }
  }

  /** Everything acknowledged is in the archive, or something newer; and that is what it holds. */
  checkFinal(id: string, held: ReadValue | undefined, where: string): void {
    const writes = this.issued.filter((issued) => issued.id === id && issued.acknowledgedOrder !== undefined)
    this.checkArchived(writes, 'acknowledged')
    const newest = this.#archive
      .commitsOf(id)
      .filter(({ voided }) => voided === undefined)
      .reduce<Commit | undefined>((best, each) => (isNewer(each.stamp, best?.stamp) ? each : best), undefined)
    if (newest?.value === held?.number) return
    throw new Anomaly(
      'final',
      `${where}: ${id} is ${held === undefined ? 'absent' : String(held.number)}, the newest commit is ${
        newest === undefined ? 'none' : nameOf(newest)
      }`,
    )
  }
}

interface Floor {
  readonly rule: Rule
  readonly why: string
  readonly stamp: Stamp
  readonly value: number | undefined
}
