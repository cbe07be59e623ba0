import { expect, it } from 'vitest'
import { encodeSegmentHeader } from './format.ts'
import { GroupEncoder } from './group.ts'

/** Goal: the bytes of docs/formats/log.md do not change by accident. Method: a checked-in file. */

it('writes header and group as the format page draws them', async () => {
  const first = { segmentId: 12, firstSequence: 4_294_967_298, previousCrc: 0x89abcdef }
  const header = encodeSegmentHeader({
    ...first,
    segmentBytes: 16 * 1024 * 1024,
    logId: '000102030405060708090a0b0c0d0e0f',
    isPrepared: false,
  })
  const payloads = ['one', '', 'three'].map((text) => Buffer.from(text))
  const facts = { ...first, durableBytes: 64, releasedThrough: 7, writtenMs: 1_800_000_000_000, flags: 1 }
  const group = new GroupEncoder().encode(payloads, 8, facts)
  const lines = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').replace(/.{32}/g, '$&\n').trimEnd()
  const text = `header\n${lines(header)}\ngroup\n${lines(Buffer.concat(group.buffers))}\n`
  await expect(text).toMatchFileSnapshot('golden/log.hex')
})
