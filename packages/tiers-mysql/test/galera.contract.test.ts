// Goal: on several primaries the archive keeps the same promises, to whichever node each connection leads.
import { afterAll, beforeAll, it } from 'vitest'
import { archiveContract } from '@se/core/testing'
import { describeWithGalera } from '@se/testkit/vitest'
import { startGaleraHarness, type GaleraHarness } from './galera-harness.ts'
import { mariaDbHarness } from './mariadb-harness.ts'

describeWithGalera('Galera archive: contract, each connection to the next node', () => {
  let harness: GaleraHarness

  beforeAll(async () => {
    harness = await startGaleraHarness()
  })

  afterAll(() => harness.stop())

  for (const { title, run } of archiveContract) {
    it(title, async () => {
      const url = await harness.newDatabase()
      await run(mariaDbHarness(harness.atNode(url, 0), { url }))
    })
  }
})
