import { isNewer, newerStamp, type ItemWrite, type Stamp, type StampClock } from '@se/core'

/** So many stamps from the future are remembered by their ids; half of them go when there are more. One that is forgotten is met again at the archive. */
const FUTURE_STAMPS_MAX = 100_000

export interface StampingPorts {
  readonly stamps: Pick<StampClock, 'next' | 'witness' | 'isFromFuture'>
  /** The newest stamp that is known of an id: on its way, in memory, committed or heard of. */
  readonly newestKnown: (id: string) => Stamp | undefined
}

/** Gives each write a stamp above all that is known of its id. */
export class Stamping {
  readonly #ports: StampingPorts
  /** By id, the newest stamp given that no other part may know of yet, or that lies in the future. */
  readonly #given = new Map<string, Stamp>()

  constructor(ports: StampingPorts) {
    this.#ports = ports
  }

  /**
   * @param above a stamp that the write lost to
   * @throws StampRefused when there is no stamp above what is known that may be given
   */
  next(id: string, above?: Stamp): Stamp {
    const { stamps, newestKnown } = this.#ports
    if (above !== undefined) stamps.witness(above)
    const stamp = stamps.next(() => newerStamp(above, newerStamp(this.#given.get(id), newestKnown(id))))
    this.#given.set(id, stamp)
    return stamp
  }

  isFromFuture(stamp: Stamp): boolean {
    return this.#ports.stamps.isFromFuture(stamp)
  }

  /**
   * The archive refused a write, as its stamp lies ahead of the archive's clock: it does not have the write, and later ones of the
   * id need not be above it. They would be refused with it for as long as it lies ahead [P67].
   */
  refusedAhead({ id, stamp }: Pick<ItemWrite, 'id' | 'stamp'>): void {
    const given = this.#given.get(id)
    if (given !== undefined && !isNewer(given, stamp)) this.#given.delete(id)
  }

  /** The stamp is known elsewhere by now; one from the future is kept, as the other parts may forget it before it has come. */
  forget(id: string, stamp: Stamp): void {
    if (this.#given.get(id) === stamp && !this.isFromFuture(stamp)) this.#given.delete(id)
    if (this.#given.size <= FUTURE_STAMPS_MAX) return
    for (const [oldId, old] of this.#given) {
      if (this.#given.size <= FUTURE_STAMPS_MAX / 2) break
      if (oldId !== id || old !== stamp) this.#given.delete(oldId)
    }
  }
}
