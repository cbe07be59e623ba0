import { decodeCut, encodeCut, type Cut } from '@se/core'
import { hashId } from '@se/core/hash'

export const MARK_BYTES = 8
/** Cuts that are remembered by their mark; a stripe that moves comes by a few a second. */
const CUTS_MAX = 256

export function isMark(mark: Buffer | null | undefined): mark is Buffer {
  return mark?.length === MARK_BYTES
}

/** Digest of a cut: the first 8 bytes of the hash of its text. It is read with each entry, where the cut would be too long. */
export function markOf(cut: Cut): Buffer {
  return markOfText(encodeCut(cut))
}

export function markOfText(text: string): Buffer {
  const [h1, h2] = hashId(text)
  const mark = Buffer.allocUnsafe(MARK_BYTES)
  mark.writeUInt32BE(h1!, 0)
  mark.writeUInt32BE(h2!, 4)
  return mark
}

/** The cuts that were met lately, by text and by mark. Most stripes stand at the same one. */
export class KnownCuts {
  readonly #byText = new Map<string, Cut>()
  readonly #byMark = new Map<string, Cut>()

  /** @throws CorruptData when the text is no cut */
  decode(text: string): Cut {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const cut = decodeCut(text)
    this.#byText.set(text, cut)
    this.#byMark.set(keyOf(markOfText(text)), cut)
    for (const map of [this.#byText, this.#byMark]) {
      if (map.size > CUTS_MAX) map.delete(map.keys().next().value!)
    }
    return cut
  }

  at(mark: Buffer): Cut | undefined {
    return this.#byMark.get(keyOf(mark))
  }
}

function keyOf(mark: Buffer): string {
  return mark.toString('latin1')
}
