import { seed as announceSeed } from '@se/testkit'
import type { ArchiveHarness } from '@se/core/testing'
import { archiveDigests } from '@se/merkle/testing'

export const seed = announceSeed()

/** The parts of the contract's harness that are the same on every database. */
export const treeHarness: typeof archiveDigests & Pick<ArchiveHarness, 'seed'> = { ...archiveDigests, seed }
