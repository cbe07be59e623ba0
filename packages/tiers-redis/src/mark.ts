import { decodeCut, encodeCut, type Cut, type StripeState } from '@se/core'
import { hashId } from '@se/core/hash'

export const EPOCH_BYTES = 8
const DIGEST_BYTES = 8
export const MARK_BYTES = EPOCH_BYTES + DIGEST_BYTES
/** Cuts that are remembered by their digest; a stripe that moves comes by a few a second. */
const CUTS_MAX = 256

/**
 * Where a stripe stands, as it is read with each entry: its epoch, 8 bytes, and a digest of its cut, the first 8 bytes of the
 * hash of the cut's text, which would be too long. The epoch is there as it is: a stripe that was started over to the cut it
 * once stood at is another one.
 */
export function markOf({ epoch, cut }: Pick<StripeState, 'epoch' | 'cut'>): Buffer {
  return Buffer.concat([Buffer.from(epoch, 'hex'), digestOf(encodeCut(cut))], MARK_BYTES)
}

export function isMark(mark: Buffer | null | undefined): mark is Buffer {
  return mark?.length === MARK_BYTES
}

/** @param epoch 16 hex digits */
export function isMarkUnder(epoch: string, mark: Buffer | null | undefined): boolean {
  return isMark(mark) && mark.toString('hex', 0, EPOCH_BYTES) === epoch
}

export function haveOneEpoch(a: Buffer, b: Buffer): boolean {
  return a.compare(b, 0, EPOCH_BYTES, 0, EPOCH_BYTES) === 0
}

/** The mark's digest of the cut, as a key of maps. All stripes that stand there have it, under any epoch. */
export function cutNameOf(mark: Buffer): string {
  return mark.toString('latin1', EPOCH_BYTES)
}

/** The cuts that were met lately, by text and by digest. Most stripes stand at the same one. */
export class KnownCuts {
  readonly #byText = new Map<string, Cut>()
  readonly #byName = new Map<string, Cut>()

  /** @throws CorruptData when the text is no cut */
  decode(text: string): Cut {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const cut = decodeCut(text)
    this.#byText.set(text, cut)
    this.#byName.set(digestOf(text).toString('latin1'), cut)
    for (const map of [this.#byText, this.#byName]) {
      if (map.size > CUTS_MAX) map.delete(map.keys().next().value!)
    }
    return cut
  }

  /** @param name see {@link cutNameOf} */
  named(name: string): Cut | undefined {
    return this.#byName.get(name)
  }
}

function digestOf(text: string): Buffer {
  const [h1, h2] = hashId(text)
  const digest = Buffer.allocUnsafe(DIGEST_BYTES)
  digest.writeUInt32BE(h1!, 0)
  digest.writeUInt32BE(h2!, 4)
  return digest
}
