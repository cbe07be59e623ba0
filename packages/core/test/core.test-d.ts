/** The types of the public face, as a tier's author and a tier's caller see them. Checked by the compiler; nothing here runs. */
import {
  checkId,
  integerField,
  invariant,
  oneOfField,
  readFields,
  SharedRun,
  stringField,
  stringsField,
  type ArchiveOpenOptions,
  type ArchiveTier,
  type BranchSet,
  type CacheOpenOptions,
  type CachePut,
  type CacheTier,
  type CompleteArchiveTier,
  type CompleteCacheTier,
  type Cut,
  type DeadlineExceeded,
  type InvalidInput,
  type ItemWrite,
  type LedgerRow,
  type LedgerTail,
  type Lookup,
  type ReadsItems,
  type Stamp,
  type StorageError,
  type StoredItem,
  type StripeReading,
  type WriteOutcome,
} from '../src/index.ts'
import { hashId, type HashWords } from '../src/hash.ts'
import { systemClock } from '../src/node/index.ts'
import { expectTypeOf } from 'vitest'

declare const archive: ArchiveTier
declare const cache: CacheTier
declare const branches: BranchSet
declare const cut: Cut

/** Compiles only where every member of a union has been dealt with. */
function noneLeft(rest: never): never {
  return rest
}

// What a lookup says is known by its kind alone: a caller that has not looked at it has no item.
export function itemOf(lookup: Lookup): StoredItem | undefined {
  // @ts-expect-error nothing is known yet
  void lookup.item
  switch (lookup.kind) {
    case 'found':
      return lookup.item
    case 'absent':
      expectTypeOf(lookup.tombstone).toEqualTypeOf<Stamp | undefined>()
      return undefined
    case 'unknown':
      expectTypeOf(lookup.because).toEqualTypeOf<
        'timeout' | 'disconnected' | 'suspended' | 'breaker-open' | 'closed'
      >()
      return undefined
    default:
      return noneLeft(lookup)
  }
}

export function rowsOf(tail: LedgerTail): readonly LedgerRow[] {
  switch (tail.kind) {
    case 'rows':
      return tail.rows
    case 'gap':
      expectTypeOf(tail.because).toEqualTypeOf<
        'pruned' | 'ahead-of-heads' | 'another-archive' | 'another-history'
      >()
      // @ts-expect-error a gap has no rows that could be taken for all there are
      return tail.rows
    default:
      return noneLeft(tail)
  }
}

export function fateOf(outcome: WriteOutcome): number | Stamp | string {
  switch (outcome.kind) {
    case 'won':
    case 'held':
      return outcome.version
    case 'superseded':
      return outcome.by
    case 'refused':
      return outcome.because
    default:
      return noneLeft(outcome)
  }
}

expectTypeOf<StripeReading['kind']>().toEqualTypeOf<'state' | 'none' | 'unknown'>()
expectTypeOf<LedgerRow['kind']>().toEqualTypeOf<'batch' | 'correction' | 'retirement'>()

// A tier takes the branch set that was made once, not the prefixes of it.
expectTypeOf<ArchiveOpenOptions['branches']>().toEqualTypeOf<BranchSet>()
expectTypeOf<CacheOpenOptions['branches']>().toEqualTypeOf<BranchSet>()
void archive.open({ branches, digests: 'keyed' })
// @ts-expect-error a list of prefixes is no branch set
void archive.open({ branches: ['user.'], digests: 'keyed' })
// @ts-expect-error as is a list for a cache
void cache.open({ branches: ['user.'], birthId: '0'.repeat(32) })
// @ts-expect-error the digests are keyed or unkeyed
void archive.open({ branches, digests: true })

// Optional powers are asked for before they are used; a complete tier has them all.
// @ts-expect-error not every archive collects tombstones
void archive.collectTombstones(0)
// @ts-expect-error nor has every cache a key to show
void cache.keyOf('id')
expectTypeOf<CompleteArchiveTier['collectTombstones']>().toBeFunction()
expectTypeOf<CompleteCacheTier['keyOf']>().toEqualTypeOf<(id: string) => string>()
expectTypeOf<CompleteArchiveTier>().toExtend<ArchiveTier>()
expectTypeOf(archive).not.toExtend<CompleteArchiveTier>()
expectTypeOf(archive).toExtend<ReadsItems>()
expectTypeOf(cache).toExtend<ReadsItems>()

// What a tier gives out belongs to everyone, so no one may change it.
declare const item: StoredItem
// @ts-expect-error the bytes are shared
item.bytes = new Uint8Array(0)
// @ts-expect-error a stamp is the write's, for ever
item.stamp.time = 1
// @ts-expect-error a cut is a fact
cut.positions.set(1, { sequence: 1, link: '' })
// @ts-expect-error prefixes are numbered once
branches.prefixes.push('user.')
expectTypeOf(archive.getMany(['id'])).resolves.toEqualTypeOf<readonly Lookup[]>()

// A delete says so; a write without a value does not come about by leaving it out.
expectTypeOf<ItemWrite['bytes']>().toEqualTypeOf<Uint8Array | undefined>()
// @ts-expect-error `bytes` was forgotten
export const forgotten: ItemWrite = { id: 'id', stamp: item.stamp, state: '', contentType: '' }
// @ts-expect-error a put says whether there is a permit
export const unpermitted: CachePut = { write: forgotten, version: 1, createdAtMs: 0, kind: 'fill' }

// A table of fields gives values of its fields' types.
const values = readFields(
  '',
  {},
  {
    attemptsMax: integerField({ meaning: '', min: 1, max: 9, default: 3 }),
    limit: integerField({ meaning: '', min: 1, max: 9 }),
    file: stringField({ meaning: '', isRequired: true }),
    names: stringsField({ meaning: '', default: [] }),
    onFull: oneOfField({ meaning: '', allowed: ['wait', 'refuse'], default: 'wait' }),
  },
)
expectTypeOf(values.attemptsMax).toEqualTypeOf<number>()
expectTypeOf(values.limit).toEqualTypeOf<number | undefined>()
expectTypeOf(values.file).toEqualTypeOf<string>()
expectTypeOf(values.names).toEqualTypeOf<readonly string[]>()
expectTypeOf(values.onFull).toEqualTypeOf<'wait' | 'refuse'>()
// @ts-expect-error the values are frozen
values.limit = 1
// @ts-expect-error a whole number has a range
integerField({ meaning: '', default: 1 })

// A check leaves its fact with the compiler.
export function checked(id: unknown, instance: number | undefined): [string, number] {
  checkId(id)
  invariant(instance !== undefined, 'the instance is claimed')
  return [id, instance]
}

// Errors are branched on by code.
expectTypeOf<InvalidInput['code']>().toEqualTypeOf<'SE_INVALID_INPUT'>()
expectTypeOf<DeadlineExceeded['code']>().toEqualTypeOf<'SE_DEADLINE_EXCEEDED'>()
expectTypeOf<StorageError>().toExtend<{
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>
}>()

expectTypeOf(new SharedRun<Cut>().run(async () => cut)).resolves.toEqualTypeOf<Cut>()
expectTypeOf(hashId).parameter(1).toEqualTypeOf<HashWords | undefined>()
expectTypeOf(systemClock.setTimer(1, () => undefined)).toEqualTypeOf<() => void>()
