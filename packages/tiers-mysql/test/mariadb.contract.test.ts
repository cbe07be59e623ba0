import { afterEach, it } from 'vitest'
import { archiveContract } from '@se/core/testing'
import { uniqueDatabase } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { mariaDbHarness } from './mariadb-harness.ts'

const drops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const drop of drops.splice(0)) await drop()
})

describeWithServer('sql', 'MariaDB archive: contract', (serverUrl) => {
  for (const { title, run } of archiveContract) {
    it(title, async () => {
      const { url, drop } = await uniqueDatabase(serverUrl)
      drops.push(drop)
      await run(mariaDbHarness(url, { url }))
    })
  }
})
