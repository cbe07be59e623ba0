import { createPowerLossFileSystem } from '@se/core/testing'
import { expect, it } from 'vitest'
import { DIRECTORY, worldOptions } from '../test/power-cut-world.ts'
import { LogFollower } from './follow.ts'
import { openLog } from './index.ts'

it('follows a log that is being written, from segment to segment', async () => {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory('/data')
  const log = await openLog(worldOptions(disk))
  const follower = new LogFollower(DIRECTORY, disk)
  const seen: number[] = []
  for (let index = 1; index <= 12; index++) {
    await log.append(new Uint8Array(index % 3 === 0 ? 3000 : 100).fill(index))
    for (const { sequence, bytes } of await follower.readNew(3)) {
      expect(bytes.every((byte) => byte === sequence)).toBe(true)
      seen.push(sequence)
    }
  }
  expect(seen).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  expect(await follower.readNew(1)).toEqual([])
})
