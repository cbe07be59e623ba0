import { isBetween, isNewer, type ItemWrite, type Stamp } from '@se/core'

/** A write between its stamp and its acknowledgement. */
export interface Watch {
  readonly stamp: Stamp
  /** Something newer of the id was heard of meanwhile. */
  isOvertaken: boolean
  /** Something newer may have been stored meanwhile, and nothing was heard of it. */
  isUnsure: boolean
  /** For the one who waits for it: of an id one write is in flight. */
  onEnd: () => void
}

/** Own writes on their way through the log, watched for what is heard of their ids meanwhile. */
export class Watches {
  readonly #running = new Map<string, Set<Watch>>()

  begin(id: string, stamp: Stamp): Watch {
    const watch: Watch = { stamp, isOvertaken: false, isUnsure: false, onEnd: () => {} }
    const running = this.#running.get(id)
    if (running === undefined) this.#running.set(id, new Set([watch]))
    else running.add(watch)
    return watch
  }

  end(id: string, watch: Watch): void {
    const running = this.#running.get(id)!
    running.delete(watch)
    if (running.size === 0) this.#running.delete(id)
    watch.onEnd()
  }

  /**
   * A write, a delete or a ledger row of the id was heard of: an older write on its way through the log must not become visible.
   *
   * @param spared writes up to this stamp stay as they are; default: none
   */
  overtake(id: string, by: Stamp, spared?: Stamp): void {
    for (const watch of this.#running.get(id) ?? []) {
      if (isBetween(watch.stamp, spared, by)) watch.isOvertaken = true
    }
  }

  /** Ledger rows have been missed for good: any of the writes on their way through the log may have been overtaken without a word. */
  doubt(): void {
    for (const watches of this.#running.values()) for (const watch of watches) watch.isUnsure = true
  }

  /** Waits until no later write of the id is on its way through the log. */
  async laterEnded({ id, stamp }: ItemWrite): Promise<void> {
    for (;;) {
      const later = [...(this.#running.get(id) ?? [])].find((watch) => isNewer(watch.stamp, stamp))
      if (later === undefined) return
      await new Promise<void>((resolve) => (later.onEnd = resolve))
    }
  }
}
