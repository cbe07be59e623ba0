import type { CompleteArchiveTier, CompleteCacheTier } from '@se/core'
import {
  archiveContract,
  cacheContract,
  createFakeClock,
  memoryCacheHarness,
  seededRandom,
  type ArchiveHarness,
  type CacheContractHarness,
} from '@se/core/testing'
import { systemClock } from '@se/core/node'
import { archiveDigests } from '@se/merkle/testing'
import { describe, expect, it } from 'vitest'
import { createMemoryTiers } from '../testing/memory-tiers.ts'
import { guardArchive } from './guard-archive.ts'
import { guardCache } from './guard-cache.ts'
import type { GuardOptions } from './guard.ts'

/** Goal: a tier behind its guard keeps every obligation of its port: no argument is lost, and no answer is changed. */

function options(): GuardOptions {
  return {
    clock: createFakeClock(),
    random: seededRandom(1),
    observer: {},
    // A pause would wait for a clock that stands still.
    attemptsMax: 1,
    failuresMax: 1_000,
  }
}

function newArchiveHarness(): ArchiveHarness {
  const { archive } = createMemoryTiers({ clock: systemClock, seed: 1 })
  return {
    archive: guardArchive(archive, options()) as CompleteArchiveTier,
    peer: guardArchive(archive.peer(), options()) as CompleteArchiveTier,
    async backup() {
      const backup = archive.backup()
      return async () => archive.restoreTo(backup)
    },
    ...archiveDigests,
    seed: 1,
  }
}

function newCacheHarness(): CacheContractHarness {
  const harness = memoryCacheHarness()
  return {
    ...harness,
    async connect(connection) {
      return guardCache(await harness.connect(connection), options()) as CompleteCacheTier
    },
  }
}

/** Behind a guard, calls of one process that meet are one where the table says `joins`; each is given the one answer. */
const ARE_ONE: Readonly<Record<string, string>> = {
  'several processes fold at once: every row counts once [P30]': '2 !== 1',
  'what one instance asks for at once ends: none of its calls waits for one that waits for it [P83, P93]':
    'it is applied once',
}

describe('an archive behind its guard', () => {
  for (const { title, run } of archiveContract) {
    const runs = () => run(newArchiveHarness())
    const difference = ARE_ONE[title]
    if (difference === undefined) it(title, runs)
    else it(`but for calls that meet: ${title}`, () => expect(runs()).rejects.toThrow(difference))
  }
})

describe('a cache behind its guard', () => {
  for (const { title, run } of cacheContract) it(title, () => run(newCacheHarness()))
})
