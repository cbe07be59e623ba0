import { invariant, StorageError } from '@se/core'
import type { Caller } from '../deadline/caller.ts'

/** The bound of pending writes is reached. Nothing was accepted; try again when the archive has caught up. */
export class Backpressure extends StorageError {
  override readonly name = 'Backpressure'
  readonly code = 'SE_BACKPRESSURE'
}

export interface PendingLimits {
  /** Writes held at one time. */
  readonly itemsMax: number
  /** Bytes held at one time, as `sizeOfWrite` counts; a single larger write is let in when nothing else is held. */
  readonly bytesMax: number
  /** What happens to a writer when there is no space. */
  readonly whenFull: 'wait' | 'refuse'
}

interface Waiter {
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Memory for pending writes, bounded [W8]. A write takes its share before it is stamped and gives it back when
 * it is settled, coalesced or has failed; writers who wait are served in the order in which they came, so a
 * large write is not overtaken for ever by small ones.
 */
export class PendingBudget {
  readonly limits: PendingLimits
  readonly #waiters = new Set<Waiter>()
  #items = 0
  #bytes = 0

  constructor(limits: PendingLimits) {
    this.limits = limits
  }

  get used(): { readonly items: number; readonly bytes: number } {
    return { items: this.#items, bytes: this.#bytes }
  }

  /** Writers that wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Takes a share for one write.
   *
   * @param caller one who goes while waiting leaves the line, and nothing was taken
   * @returns `undefined` when it was taken at once, else a promise of having taken it
   * @throws Backpressure when there is no space and writers are refused
   */
  admit(bytes: number, caller?: Caller): Promise<void> | undefined {
    if (this.#waiters.size === 0 && this.#fits(bytes)) {
      this.take(bytes)
      return undefined
    }
    if (this.limits.whenFull === 'refuse') {
      throw new Backpressure('no space for pending writes: the archive is behind', {
        details: { ...this.used, itemsMax: this.limits.itemsMax, bytesMax: this.limits.bytesMax },
      })
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { bytes, resolve, reject }
      this.#waiters.add(waiter)
      caller?.onGone((reason) => {
        if (!this.#waiters.delete(waiter)) return
        reject(reason)
        // Those behind may need less.
        this.#admitWaiting()
      })
    })
  }

  /** Takes a share whether or not there is space: for what was acknowledged before, and is replayed. */
  take(bytes: number): void {
    this.#items += 1
    this.#bytes += bytes
  }

  /** Gives the share of one write back, and lets in who fits now. */
  giveBack(bytes: number): void {
    this.#items -= 1
    this.#bytes -= bytes
    invariant(this.#items >= 0 && this.#bytes >= 0, 'no share is given back that was not taken', this.used)
    this.#admitWaiting()
  }

  /** Turns away everybody who waits: the engine stops. */
  rejectWaiting(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters.clear()
  }

  #admitWaiting(): void {
    for (const waiter of this.#waiters) {
      if (!this.#fits(waiter.bytes)) break
      this.#waiters.delete(waiter)
      this.take(waiter.bytes)
      waiter.resolve()
    }
  }

  #fits(bytes: number): boolean {
    if (this.#items === 0) return true
    return this.#items < this.limits.itemsMax && this.#bytes + bytes <= this.limits.bytesMax
  }
}
