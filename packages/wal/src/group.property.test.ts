import { createPowerLossFileSystem, seededRandom, type SeededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { expect, it } from 'vitest'
import { Promises, worldOptions } from '../test/power-cut-world.ts'
import { decodeGroup, GroupEncoder, payloadsOf } from './group.ts'
import { openLog } from './index.ts'

/** Goal: what a group encodes is what it decodes, however many buffers it is written from. Method: random payloads, all sizes. */

function randomPayloads(random: SeededRandom): Uint8Array[] {
  const longest = random.pick([0, 10, 1000, 4096, 5000, 100_000])
  return Array.from({ length: random.below(random.pick([3, 300])) }, () =>
    new Uint8Array(random.below(longest + 1)).fill(random.below(256)),
  )
}

it('decodes what it encodes, behind a prefix or not, with the same encoder again and again', () => {
  const random = seededRandom(seed('groups'))
  const encoder = new GroupEncoder()
  for (let round = 0; round < 300; round++) {
    const payloads = randomPayloads(random)
    const payloadBytes = payloads.reduce((sum, { length }) => sum + length, 0)
    const facts = {
      segmentId: 1 + random.below(1000),
      firstSequence: 2 ** 40 + random.below(1000),
      durableBytes: random.below(2 ** 30),
      releasedThrough: random.below(1000),
      writtenMs: 1_800_000_000_000,
      previousCrc: random.below(2 ** 32),
      flags: random.below(2),
    }
    const prefix = random.chance(0.5) ? random.bytes(64) : undefined
    const { buffers, groupBytes, crc } = encoder.encode(payloads, payloadBytes, facts, prefix)
    const bytes = Buffer.concat(buffers)
    const start = prefix?.length ?? 0
    if (prefix !== undefined) expect(Buffer.compare(bytes.subarray(0, start), prefix)).toBe(0)
    expect(bytes.length - start).toBe(groupBytes)
    expect(groupBytes % 8).toBe(0)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const group = decodeGroup(bytes, view, start, facts.segmentId)!
    expect(group).toMatchObject({ header: { ...facts, recordCount: payloads.length }, crc })
    const decoded = [...payloadsOf(bytes, view, start, group.header)]
    expect(decoded.length).toBe(payloads.length)
    expect(decoded.every((payload, index) => Buffer.compare(payload, payloads[index]!) === 0)).toBe(true)
    expect(decodeGroup(bytes, view, start, facts.segmentId + 1)).toBeUndefined()
  }
})

it(
  'keeps a group of several buffers whole through short writes and power cuts [W1]',
  { timeout: 100_000 },
  async () => {
    for (let cutAt = 0; cutAt < 60; cutAt++) {
      const random = seededRandom(5)
      const disk = createPowerLossFileSystem({ sectorBytes: 4096 })
      await disk.makeDirectory('/data')
      await disk.syncDirectory('/')
      const limits = { segmentBytes: 512 * 1024, spareSegmentsMax: 0 }
      const log = await openLog(worldOptions(disk, { limits }))
      const promises = new Promises()
      const start = disk.callCount
      disk.onCall = ({ index, operation }) => {
        if (index === start + cutAt) disk.turnOff()
        return operation === 'writev' && index % 3 === 0 ? { writtenBytes: 50_000 } : undefined
      }
      for (let call = 0; call < 3; call++) {
        const records = promises.submit([70_000, 10, 3000, 3000, 65_536, 4096, 4097], random)
        await log.append(records).then(
          (last) => (promises.durableThrough = last),
          () => {},
        )
      }
      disk.turnOff()
      const states = [() => 0, (count: number) => count - 1, (count: number) => random.below(count)]
      for (const choose of states) {
        const after = await openLog(worldOptions(disk.afterPowerCut(choose), { limits }))
        const { lastSequence } = after.stats()
        expect(lastSequence).toBeGreaterThanOrEqual(promises.durableThrough)
        expect(promises.isCallEnd(lastSequence)).toBe(true)
        const payloads = promises.payloads()
        for await (const { sequence, bytes } of after.replay()) {
          expect(Buffer.compare(bytes, payloads[sequence - 1]!)).toBe(0)
        }
      }
    }
  },
)
