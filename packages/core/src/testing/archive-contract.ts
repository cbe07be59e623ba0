import { claims } from './archive-contract/claims.ts'
import type { ArchiveContractCase } from './archive-contract/harness.ts'
import { histories } from './archive-contract/histories.ts'
import { identity, items } from './archive-contract/items.ts'
import { ledger } from './archive-contract/ledger.ts'
import { retirement } from './archive-contract/retirement.ts'
import { views } from './archive-contract/views.ts'
import { deletes, winning } from './archive-contract/writes.ts'

export type { ArchiveContractCase, ArchiveHarness } from './archive-contract/harness.ts'

/**
 * What every archive must do. Each case takes a new, empty archive.
 *
 *   for (const { title, run } of archiveContract) it(title, async () => run(await harness()))
 */
export const archiveContract: readonly ArchiveContractCase[] = [
  ...identity,
  ...items,
  ...winning,
  ...deletes,
  ...ledger,
  ...claims,
  ...histories,
  ...retirement,
  ...views,
]
