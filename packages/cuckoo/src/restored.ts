import { showBytes, type ShownBytes } from '@se/core'

/** What `fromSnapshot` gives back. */
export class Restored<Filter> {
  readonly filter: Filter
  /** The caller's bytes, as given to `toSnapshot`. */
  readonly meta: Uint8Array

  constructor(filter: Filter, meta: Uint8Array) {
    this.filter = filter
    this.meta = meta
  }

  toJSON(): { filter: Filter; meta: ShownBytes } {
    return { filter: this.filter, meta: showBytes(this.meta) }
  }
}
