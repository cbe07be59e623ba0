/** The types of the public face, as a filter's owner sees them. Checked by the compiler; nothing here runs. */
import {
  CuckooFilter,
  StaticCuckooFilter,
  type AddOutcome,
  type CorruptSnapshot,
  type FilterOptions,
  type HashKey,
  type Restored,
} from '../src/index.ts'
import { expectTypeOf } from 'vitest'

declare const bytes: Uint8Array
declare const pieces: AsyncIterable<Uint8Array>
const options: FilterOptions = { capacity: 1_000, falsePositiveRate: 1e-4 }
const growing = CuckooFilter.create(options)
const fixed = StaticCuckooFilter.create(options)

// One that grows takes every key; one that does not says whether it did, and the answer must be looked at by its word.
expectTypeOf(growing.add('key')).toEqualTypeOf<void>()
expectTypeOf(growing.addMany(['key'])).toEqualTypeOf<void>()
expectTypeOf(fixed.add('key')).toEqualTypeOf<AddOutcome>()
expectTypeOf<AddOutcome>().toEqualTypeOf<'added' | 'full'>()
expectTypeOf(fixed.addMany(['key'])).toEqualTypeOf<number>()
// @ts-expect-error there is no such answer
export const isIn = fixed.add('key') === true
// @ts-expect-error one of a fixed size does not shrink
fixed.shrink()
expectTypeOf(growing.shrink()).toEqualTypeOf<boolean>()

// A snapshot comes back as the kind that reads it, with the caller's bytes.
expectTypeOf(CuckooFilter.fromSnapshot(bytes)).toEqualTypeOf<Restored<CuckooFilter>>()
expectTypeOf(StaticCuckooFilter.fromSnapshot(bytes)).toEqualTypeOf<Restored<StaticCuckooFilter>>()
expectTypeOf(CuckooFilter.fromSnapshotStream(pieces)).resolves.toEqualTypeOf<Restored<CuckooFilter>>()
expectTypeOf(StaticCuckooFilter.fromSnapshotStream([bytes])).resolves.toEqualTypeOf<
  Restored<StaticCuckooFilter>
>()
expectTypeOf<Restored<CuckooFilter>['meta']>().toEqualTypeOf<Uint8Array>()
expectTypeOf(growing.toSnapshot(bytes)).toEqualTypeOf<Uint8Array>()
// Pieces go to a file or a socket as they are.
expectTypeOf(growing.snapshotPieces()).toExtend<Iterable<Uint8Array<ArrayBuffer>>>()
// @ts-expect-error a snapshot is bytes, not text
CuckooFilter.fromSnapshot('bytes')

// Nothing is set from outside, and a sum of 64 bits is no number.
expectTypeOf(growing.sum).toEqualTypeOf<bigint>()
expectTypeOf(fixed.count).toEqualTypeOf<number>()
// @ts-expect-error promised at creation
growing.falsePositiveRate = 0.5
// @ts-expect-error counted by adds and deletes
growing.count = 0

// Options: both figures are needed, and nothing else is read.
// @ts-expect-error there is no rate that suits everyone
CuckooFilter.create({ capacity: 1_000 })
// @ts-expect-error the field is `falsePositiveRate`
CuckooFilter.create({ ...options, errorRate: 1e-4 })
// @ts-expect-error size and rate are the snapshot's
CuckooFilter.fromSnapshot(bytes, { capacity: 1_000 })
// @ts-expect-error a key is text
growing.add(5)

const hash: HashKey = (key, out) => {
  expectTypeOf(key).toEqualTypeOf<string>()
  out[0] = key.length
}
CuckooFilter.fromSnapshot(bytes, { hash })
expectTypeOf<CorruptSnapshot['code']>().toEqualTypeOf<'SE_CORRUPT_SNAPSHOT'>()
