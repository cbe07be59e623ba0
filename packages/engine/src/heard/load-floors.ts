import { invariant, isNewer, newerStamp, STAMP_ABOVE_ALL, type Lookup, type Stamp } from '@se/core'

/**
 * What a load's result is worth [R2].
 *
 * - `fresh`: nothing newer is known. It may be stored and returned.
 * - `overtaken`: something newer was heard of while the load ran. The callers who had asked before may have it,
 *   since their reads and that write happened at the same time; it is not stored, and no later reader gets it.
 * - `outdated`: older than what was known when it began: a copy that lags behind. No reader gets it; ask the tier
 *   below, once. What the archive itself answers stands, and is not stored.
 * - `unknown`: no answer.
 */
export type LoadVerdict = 'fresh' | 'overtaken' | 'outdated' | 'unknown'

/** A load that runs, and the newest stamp known of its id meanwhile. */
export interface RunningLoad {
  readonly id: string
  /** Newest stamp known when it began. */
  readonly startFloor: Stamp | undefined
  /** Newest stamp known now. */
  readonly floor: Stamp | undefined
}

interface Load extends RunningLoad {
  floor: Stamp | undefined
}

/**
 * For each load that runs, the newest stamp known of its id. "What I know at the end" is not enough: an item may
 * be written, flushed and forgotten while a load runs [P58].
 *
 * A floor exists as long as its load.
 */
export class LoadFloors {
  readonly #running = new Map<string, Load[]>()

  /** Loads that run now. */
  get count(): number {
    let count = 0
    for (const loads of this.#running.values()) count += loads.length
    return count
  }

  /**
   * A load begins; call before the first tier is asked.
   *
   * @param knownFloor newest stamp known of the id; `undefined`: none. It raises loads that run already.
   */
  begin(id: string, knownFloor: Stamp | undefined): RunningLoad {
    if (knownFloor !== undefined) this.raise(id, knownFloor)
    const load: Load = { id, startFloor: knownFloor, floor: knownFloor }
    const running = this.#running.get(id)
    if (running === undefined) this.#running.set(id, [load])
    else running.push(load)
    return load
  }

  /** A write, a delete or a ledger row of the id was heard of. Call for each, before it is acknowledged [R2]. Cheap where no load runs. */
  raise(id: string, stamp: Stamp): void {
    const running = this.#running.get(id)
    if (running === undefined) return
    for (const load of running) load.floor = newerStamp(load.floor, stamp)
  }

  /** Something may have been missed, of ids that are not known: every load that runs counts as overtaken. */
  raiseAll(): void {
    for (const loads of this.#running.values()) for (const load of loads) load.floor = STAMP_ABOVE_ALL
  }

  /**
   * Whether a reader that starts now, knowing `knownFloor`, may share the result: nothing newer was heard of
   * since the load began, and the reader knows of nothing newer [R2, P57].
   */
  mayJoin(load: RunningLoad, knownFloor: Stamp | undefined): boolean {
    const isRaised = load.floor !== undefined && isNewer(load.floor, load.startFloor)
    return !isRaised && (knownFloor === undefined || !isNewer(knownFloor, load.startFloor))
  }

  /**
   * The load has ended. Store a fresh result before anything else can happen: from here on its floor is
   * forgotten.
   */
  end(load: RunningLoad, result: Lookup): LoadVerdict {
    this.cancel(load)
    if (result.kind === 'unknown') return 'unknown'
    const stamp = result.kind === 'found' ? result.item.stamp : result.tombstone
    if (reaches(stamp, load.floor)) return 'fresh'
    return reaches(stamp, load.startFloor) ? 'overtaken' : 'outdated'
  }

  /** The load has failed. */
  cancel(load: RunningLoad): void {
    const running = this.#running.get(load.id)
    const index = running?.indexOf(load as Load) ?? -1
    invariant(running !== undefined && index >= 0, 'a load ends once')
    if (running.length === 1) this.#running.delete(load.id)
    else running.splice(index, 1)
  }
}

/** An absence without a known tombstone reaches no floor: what was heard of may be newer than it. */
function reaches(stamp: Stamp | undefined, floor: Stamp | undefined): boolean {
  return floor === undefined || (stamp !== undefined && !isNewer(floor, stamp))
}
