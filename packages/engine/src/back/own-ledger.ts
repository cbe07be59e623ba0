import {
  InstanceFenced,
  linkAt,
  randomHex,
  sequenceAt,
  type ArchiveTier,
  type InstanceClaim,
  type Position,
  type Random,
} from '@se/core'

export interface OwnLedgerPorts {
  readonly archive: Pick<ArchiveTier, 'touchInstance' | 'readHeads'>
  readonly claim: InstanceClaim
  readonly random: Pick<Random, 'bytes'>
  /** Told of each row, once it is known to be committed. */
  readonly onCommitted: (position: Position) => void
}

/** Random bytes of a link. */
const LINK_BYTES = 8

/** Where this instance's own ledger stands, and what its next row is called. One row is under way at a time. */
export class OwnLedger {
  readonly #ports: OwnLedgerPorts
  #position: Position
  #next: Position

  constructor(ports: OwnLedgerPorts) {
    this.#ports = ports
    const { lastSequence: sequence, lastLink: link } = ports.claim
    this.#position = { sequence, link }
    this.#next = this.#draw()
  }

  get claim(): InstanceClaim {
    return this.#ports.claim
  }

  /** Of the last row that is known to be committed. */
  get position(): Position {
    return this.#position
  }

  /** Of the row under way, or the next one; the same as long as the same is sent again [W5]. */
  get next(): Position {
    return this.#next
  }

  /** The row at {@link next} is committed. */
  confirm(): void {
    this.#position = this.#next
    this.#next = this.#draw()
    this.#ports.onCommitted(this.#position)
  }

  /** The next row will hold something else: what was sent as {@link next} is known to be out [P95]. */
  redraw(): void {
    this.#next = this.#draw()
  }

  /**
   * Finds out what became of the row at {@link next} after an attempt that failed. An answer also shows that the archive takes
   * something of ours at this moment: the own row of the instance is written, behind all that was still under way.
   *
   * @returns whether it is in; false: it is not, and will not be
   * @throws TierUnavailable while that cannot be known; InstanceFenced
   */
  async isNextIn(): Promise<boolean> {
    const { archive, claim } = this.#ports
    await archive.touchInstance(claim)
    const { cut } = await archive.readHeads()
    const { sequence, link } = this.#next
    // Only its own link tells a row from that of another process at the same sequence [P92, P95].
    if (sequenceAt(cut, claim.instance) === sequence && linkAt(cut, claim.instance) !== link) {
      throw new InstanceFenced('the sequence has the row of another process', {
        details: { instance: claim.instance, sequence },
      })
    }
    return sequenceAt(cut, claim.instance) >= sequence
  }

  #draw(): Position {
    return { sequence: this.#position.sequence + 1, link: randomHex(this.#ports.random, LINK_BYTES) }
  }
}
