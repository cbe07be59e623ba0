// Goal: on several primaries the archive keeps the same promises, to whichever node each connection leads.
import { afterAll, beforeAll, it } from 'vitest'
import { archiveContract } from '@se/core/testing'
import { describeWithGalera } from '@se/testkit/vitest'
import { startGaleraHarness, type GaleraHarness } from './galera-harness.ts'
import { mariaDbHarness } from './mariadb-harness.ts'

/** The node that copies tables has what the others have committed: a backup holds no half of a batch. */
const CAUSAL = ['SET SESSION wsrep_sync_wait = 15']

/**
 * Transactions that meet at the same rows are all sent to one node. Over two nodes one of them now and then waits in its COMMIT ("Waiting for
 * certification") for half a minute, beside the write set of the other node that waits for its row lock, and no KILL ends it: a fault of the server
 * (docs/INVARIANTS.md, "Known holes").
 */
const MEETING = ['two instances at once', 'what one instance asks for at once ends']

describeWithGalera('Galera archive: contract, each connection to the next node', () => {
  let harness: GaleraHarness

  beforeAll(async () => {
    harness = await startGaleraHarness()
  })

  afterAll(() => harness.stop())

  for (const { title, run } of archiveContract) {
    it(title, async () => {
      if (MEETING.some((beginning) => title.startsWith(beginning))) harness.leadTo(0)
      else harness.leadTo()
      const url = await harness.newDatabase()
      await run(mariaDbHarness(harness.atNode(url, 0), { url }, CAUSAL))
    })
  }
})
