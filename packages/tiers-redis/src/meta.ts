import { CorruptData, encodeStamp, invariant, STAMP_BYTES, type StoredLeaf, type StripeState } from '@se/core'
import { LEAF_BYTES } from '@se/merkle'
import type { NamedItem } from './advance-plan.ts'
import { leafNumber, LEAF_FIELD_BYTES, tokenField } from './keys.ts'
import { EPOCH_BYTES, type KnownCuts } from './mark.ts'

/** Entries up to here are not worth a word in the meta. */
export const ENTRY_BYTES_UNTOLD = 16 * 1024

/** The fields of a meta that are not of a leaf. */
export interface MetaHeader {
  readonly state: StripeState
  /** 16 hex digits. */
  readonly revision: string
  readonly entryBytesMax: number
}

/** @returns `undefined` where there is no meta, or one that is damaged, which `createStripe` replaces */
export function decodeMeta(
  stripe: number,
  [epoch, cut, revision, bytesMax]: readonly (Buffer | null)[],
  cuts: KnownCuts,
): MetaHeader | undefined {
  if (epoch?.length !== EPOCH_BYTES || revision?.length !== EPOCH_BYTES || !cut) return undefined
  try {
    return {
      state: { stripe, cut: cuts.decode(cut.toString('latin1')), epoch: epoch.toString('hex') },
      revision: revision.toString('hex'),
      entryBytesMax: Math.max(ENTRY_BYTES_UNTOLD, wholeNumberOf(bytesMax)),
    }
  } catch (error) {
    if (error instanceof CorruptData) return undefined
    throw error
  }
}

/** Bounds as `seAdvance` reads them. */
export function encodeBounds(items: readonly NamedItem[]): Buffer {
  const bytes = Buffer.allocUnsafe(items.length * (LEAF_FIELD_BYTES + STAMP_BYTES))
  let at = 0
  for (const { branch, bucket, bound } of items) {
    at += bytes.write(tokenField(leafNumber(branch, bucket)), at, 'latin1')
    encodeStamp(bound, bytes, at)
    at += STAMP_BYTES
  }
  return bytes
}

/** Leaves by name and sums, as the scripts read them. */
export function encodeLeaves(leaves: readonly StoredLeaf[], nameOf: (leaf: number) => string): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      invariant(leaf.sums.length === LEAF_BYTES, 'sums of a leaf have 28 bytes', { length: leaf.sums.length })
      return [Buffer.from(nameOf(leafNumber(leaf.branch, leaf.bucket)), 'latin1'), leaf.sums]
    }),
  )
}

/** 0 for what is no whole number: it only bounds how many entries are asked for at once. */
function wholeNumberOf(text: Buffer | null | undefined): number {
  const number = Number(text?.toString('latin1'))
  return Number.isSafeInteger(number) ? number : 0
}
