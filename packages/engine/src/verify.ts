import {
  equalStamps,
  covers,
  equalBytes,
  formatCut,
  TierMisconfigured,
  TierUnavailable,
  type ArchiveTier,
  type BranchSet,
  type CacheTier,
  type Clock,
  type Cut,
  type LeafAddress,
} from '@se/core'
import { differingLeaves, DigestTree, leafOf, type RowDigester } from '@se/merkle'
import type { VerifyCall } from './call-options.ts'
import type { MemoryTier } from './memory/memory-tier.ts'
import type { EngineObserver, ViewName } from './observer.ts'
import type { LedgerFollower } from './views/ledger-follower.ts'
import type { CacheView } from './views/cache-view.ts'
import { membershipText, type FilterView } from './views/filter-view.ts'
import type { HeadsPoll } from './views/heads-poll.ts'
import { rowsBetween } from './views/net.ts'
import {
  findLostInMemory,
  isSuspect,
  lookAgain,
  MEMORY_CHANGED,
  readEntries,
  type SuspectRow,
  type WrongCopy,
} from './verify-copies.ts'

/** Most differences a report lists; all are counted. */
export const DIFFERENCES_LISTED_MAX = 100

/** Where a copy differs: an id where it is known, else the leaf (a branch's name and a bucket). */
export type Difference =
  | { readonly kind: 'id'; readonly id: string; readonly what: string }
  | { readonly kind: 'leaf'; readonly branch: string; readonly bucket: number; readonly what: string }

export interface ViewReport {
  readonly view: ViewName
  readonly isTrusted: boolean
  /** Why not, or what was compared. */
  readonly because: string
  /** Where it stands. */
  readonly cut: string
  /** Its digest: a root of 64 hex digits, or the filter's count and sum; empty when it cannot be read. */
  readonly digest: string
  readonly expected: string
  /** The first {@link DIFFERENCES_LISTED_MAX}. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  readonly repaired: number
}

export interface VerifyReport {
  /** Every view is trusted, and nothing differs that was not repaired. */
  readonly isTrusted: boolean
  readonly isDeep: boolean
  /** Rows digested anew; 0 unless deep. */
  readonly rowsRead: number
  readonly views: readonly ViewReport[]
  readonly durationMs: number
}

export interface VerifyPorts {
  readonly archive: Pick<ArchiveTier, 'backend' | 'readTree' | 'readTail' | 'scanRows' | 'getMany'>
  readonly cache: Pick<CacheTier, 'getMany' | 'readReceipt' | 'invalidateLeaves' | 'readStripes'> | undefined
  readonly cacheView: CacheView | undefined
  readonly views: LedgerFollower
  readonly filter: FilterView
  readonly memory: Pick<MemoryTier, 'peek' | 'drop' | 'ids'>
  readonly poll: Pick<HeadsPoll, 'now'>
  readonly branches: BranchSet
  readonly digester: RowDigester
  readonly observer: EngineObserver
  readonly clock: Pick<Clock, 'monotonicMs'>
}

/** Compares every copy with the archive, each at a cut both stand at. */
export async function verify(ports: VerifyPorts, options: VerifyCall): Promise<VerifyReport> {
  const startedMs = ports.clock.monotonicMs()
  const isDeep = options.deep
  const scan = isDeep ? await scanRows(ports) : undefined
  const views = [await verifyTree(ports, scan), await verifyFilter(ports, options)]
  if (scan !== undefined) views.push(verifyMemory(ports, options, scan))
  if (ports.cacheView !== undefined) views.push(await verifyCache(ports, ports.cacheView, options, scan))
  const durationMs = ports.clock.monotonicMs() - startedMs
  const isTrusted = views.every((view) => view.isTrusted)
  ports.observer.merkle?.({
    store: ports.archive.backend,
    operation: 'verify',
    status: isTrusted ? 'success' : 'error',
    durationMs,
  })
  return { isTrusted, isDeep, rowsRead: scan?.rowsRead ?? 0, views, durationMs }
}

/** What one reading of all rows found. */
interface Scan {
  /** The tree that the rows themselves give, with digests made anew. */
  readonly tree: DigestTree
  readonly cut: Cut
  readonly rowsRead: number
  /** Rows whose bytes do not give the digest beside them. */
  readonly changedIds: readonly string[]
  /** Ids whose entry in the cache says something else than the row of the same stamp, or something older. */
  readonly cacheDifferences: readonly WrongCopy[]
  /** Ids whose item in memory says something else than the row of the same stamp, or is newer than anything the archive has. */
  readonly memoryDifferences: readonly WrongCopy[]
  /** Items in memory that were compared. */
  readonly memoryCompared: number
}

async function scanRows(ports: VerifyPorts): Promise<Scan> {
  const { archive, cache, cacheView, memory, branches, digester } = ports
  const tree = new DigestTree(branches)
  const changedIds: string[] = []
  const memoryDifferences: WrongCopy[] = []
  const comparedInMemory = new Set<string>()
  /** Rows whose entry is not what it should be, or is only not there yet. */
  const suspects = new Map<string, SuspectRow>()
  let rowsRead = 0
  const cut = await archive.scanRows(async (rows) => {
    rowsRead += rows.length
    for (const row of rows) {
      if (row.bytes === undefined) continue
      const digest = digester.digest({ ...row, bytes: row.bytes })
      if (row.digest === undefined || !equalBytes(digest, row.digest)) changedIds.push(row.id)
      tree.apply([{ id: row.id, previousDigest: undefined, digest }])
      const item = memory.peek(row.id)?.item
      if (item !== undefined && equalStamps(item.stamp, row.stamp)) {
        comparedInMemory.add(row.id)
        const isEqual = row.digest !== undefined && equalBytes(digester.digest(item), row.digest)
        if (!isEqual) memoryDifferences.push({ id: row.id, what: MEMORY_CHANGED })
      }
    }
    if (cache === undefined || cacheView === undefined) return
    for (const { row, entry } of await readEntries(rows, cache, cacheView)) {
      if (isSuspect(row, entry, digester))
        suspects.set(row.id, { id: row.id, stamp: row.stamp, digest: row.digest })
    }
  })
  const cacheDifferences = suspects.size === 0 ? [] : await lookAgain(ports, [...suspects.values()])
  memoryDifferences.push(...(await findLostInMemory(ports, comparedInMemory)))
  const memoryCompared = comparedInMemory.size
  return { tree, cut, rowsRead, changedIds, cacheDifferences, memoryDifferences, memoryCompared }
}

async function verifyTree(ports: VerifyPorts, scan: Scan | undefined): Promise<ViewReport> {
  const { views, archive, branches } = ports
  let other: { tree: DigestTree; cut: Cut; name: string }
  if (scan === undefined) {
    const stored = await archive.readTree()
    const tree = new DigestTree(branches)
    for (const { branch, page, bytes } of stored.pages) tree.setPage(branch, page, bytes)
    other = { tree, cut: stored.cut, name: 'the pages in the archive' }
  } else {
    other = { ...scan, name: 'the rows' }
  }
  const { gap, differing, expected, digest } = await compareAligned(ports, other)
  const differences: Difference[] = (scan?.changedIds ?? []).map((id) => ({
    kind: 'id',
    id,
    what: 'the row does not give its digest: it was changed behind the engine',
  }))
  if (gap === undefined) {
    const named = new Set((scan?.changedIds ?? []).map((id) => keyOf(leafOf(id, branches))))
    for (const leaf of differing) {
      if (!named.has(keyOf(leaf)))
        differences.push(leafDifference(leaf, branches, `the tree and ${other.name} differ`))
    }
  }
  const [first] = differences
  const because =
    gap ??
    (first === undefined
      ? `equals ${other.name}`
      : `${differences.length === 1 ? '1 difference' : `${differences.length} differences`}, first ${nameOf(first)}`)
  if (gap !== undefined || first !== undefined) views.distrust(because)
  // The rows are the truth: a tree that equals what they give is right, whatever was found before.
  else if (scan !== undefined) views.vouch(because)
  return report('tree', ports, {
    isTrusted: gap === undefined && first === undefined && views.treeTrust.isTrusted,
    because: first === undefined && !views.treeTrust.isTrusted ? views.treeTrust.because : because,
    digest,
    expected,
    differences,
    repaired: 0,
  })
}

async function verifyFilter(ports: VerifyPorts, options: VerifyCall): Promise<ViewReport> {
  const { views, filter } = ports
  await views.catchUp()
  const before = filter.trust
  let repaired = 0
  if (!before.isTrusted && options.repair && views.treeTrust.isTrusted) {
    const after = await views.rebuildFilter()
    repaired = after.isTrusted ? 1 : 0
  }
  const trust = filter.trust
  return report('filter', ports, {
    isTrusted: trust.isTrusted,
    because: trust.isTrusted ? 'count and sum of id hashes equal the tree' : trust.because,
    digest: filter.digest,
    expected: membershipText(views.tree),
    differences: [],
    repaired,
  })
}

/** Memory's items beside the rows of the same stamp; and those of which the archive has nothing as new. */
function verifyMemory(ports: VerifyPorts, options: VerifyCall, scan: Scan): ViewReport {
  const { memoryDifferences, memoryCompared } = scan
  const { memory } = ports
  const isRepair = options.repair ?? false
  // What is dropped is read again from below.
  const repaired = isRepair ? memoryDifferences.filter(({ id }) => memory.drop(id)).length : 0
  const count = memoryDifferences.length
  const changed = memoryDifferences.filter(({ what }) => what === MEMORY_CHANGED).length
  return report('memory', ports, {
    isTrusted: count === 0 || isRepair,
    because: count === 0 ? 'every item equals the row of its stamp' : `${count} items differ from their rows`,
    digest: `${memoryCompared - changed} items equal their rows`,
    expected: `${memoryCompared} items equal their rows`,
    differences: memoryDifferences.map(({ id, what }) => ({ kind: 'id', id, what })),
    repaired,
  })
}

async function verifyCache(
  ports: VerifyPorts,
  cacheView: CacheView,
  options: VerifyCall,
  scan: Scan | undefined,
): Promise<ViewReport> {
  try {
    return await compareCache(ports, cacheView, options, scan)
  } catch (error) {
    // The cache may be lost at any time: that is a finding, not a failure of the comparison.
    if (!(error instanceof TierUnavailable || error instanceof TierMisconfigured)) throw error
    return report('cache', ports, {
      isTrusted: false,
      because: `the cache does not answer: ${error.message}`,
      digest: '',
      expected: ports.views.tree.root(),
      differences: [],
      repaired: 0,
    })
  }
}

async function compareCache(
  ports: VerifyPorts,
  cacheView: CacheView,
  options: VerifyCall,
  scan: Scan | undefined,
): Promise<ViewReport> {
  const { views, branches } = ports
  const isRepair = options.repair
  const outcome = await cacheView.synchronise({ repair: isRepair })
  const wrongEntries = scan?.cacheDifferences ?? []
  const repairedEntries =
    isRepair && wrongEntries.length > 0
      ? await cacheView.invalidate(wrongEntries.map(({ id }) => leafOf(id, branches)))
      : 0
  const roots = await cacheView.readRoots()
  const differences: Difference[] = [
    ...outcome.invalidatedLeaves.map((leaf) =>
      leafDifference(leaf, branches, 'the receipt differs from the tree'),
    ),
    ...wrongEntries.map(({ id, what }): Difference => ({ kind: 'id', id, what })),
  ]
  const repaired = isRepair ? outcome.invalidatedLeaves.length + repairedEntries : 0
  const isTrusted = views.treeTrust.isTrusted && outcome.unsettled === 0 && repaired >= differences.length
  return report('cache', ports, {
    isTrusted,
    because: !views.treeTrust.isTrusted
      ? `the tree is untrusted: ${views.treeTrust.because}`
      : outcome.unsettled > 0
        ? `${outcome.unsettled} stripes cannot be compared: they have no receipt, or stand in another history`
        : differences.length > repaired
          ? `${differences.length} differences`
          : 'every receipt equals the tree',
    digest: roots.cache ?? '',
    expected: roots.archive,
    differences,
    repaired,
  })
}

/** Two trees at one cut. */
interface Aligned {
  /** Why they cannot be brought to one cut. */
  readonly gap: string | undefined
  readonly differing: readonly LeafAddress[]
  readonly expected: string
  readonly digest: string
}

/** Moves a tree that was read elsewhere to the views' cut, and compares in the same turn, as the views move at any other time. */
async function compareAligned(
  { views, archive }: Pick<VerifyPorts, 'views' | 'archive'>,
  other: { readonly tree: DigestTree; readonly cut: Cut },
): Promise<Aligned> {
  const roots = () => ({ expected: other.tree.root(), digest: views.tree.root() })
  for (;;) {
    await views.catchUp()
    const tail = await archive.readTail(other.cut)
    if (tail.kind === 'gap') {
      return { gap: `the ledger between the two cuts is gone: ${tail.because}`, differing: [], ...roots() }
    }
    // A catch-up may have gone past the tail meanwhile; then read it again.
    if (!covers(tail.heads.cut, views.cut)) continue
    for (const row of rowsBetween(tail.rows, other.cut, views.cut)) other.tree.apply(row.entries)
    return { gap: undefined, differing: [...differingLeaves(views.tree, other.tree)], ...roots() }
  }
}

function report(
  view: ViewName,
  { views }: Pick<VerifyPorts, 'views'>,
  found: Omit<ViewReport, 'view' | 'cut' | 'differenceCount'>,
): ViewReport {
  return {
    view,
    cut: formatCut(views.cut),
    ...found,
    differences: found.differences.slice(0, DIFFERENCES_LISTED_MAX),
    differenceCount: found.differences.length,
  }
}

function leafDifference({ branch, bucket }: LeafAddress, branches: BranchSet, what: string): Difference {
  return { kind: 'leaf', branch: branches.prefixes[branch] ?? '?', bucket, what }
}

/** `user.alice`, or `leaf user.#1234`. */
export function nameOf(difference: Difference): string {
  return difference.kind === 'id'
    ? difference.id
    : `leaf ${difference.branch || '(default)'}#${difference.bucket}`
}

function keyOf({ branch, bucket }: LeafAddress): string {
  return `${branch}#${bucket}`
}
