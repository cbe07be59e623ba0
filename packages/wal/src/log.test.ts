import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeClock } from '@se/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLog, type Log, type LogOptions, type LogRecovery } from './index.ts'

/** Goal: what the log does when nothing goes wrong, and the outcomes of opening. Method: real files, small segments. */

let directory: string
const opened: Log[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-wal-'))
})

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close().catch(() => {})
  await rm(directory, { recursive: true, force: true })
})

async function open4k(options: Partial<LogOptions> = {}): Promise<Log> {
  const log = await openLog({ directory, ...options, limits: { segmentBytes: 4096, ...options.limits } })
  opened.push(log)
  return log
}

async function readAll(log: Log, from?: number): Promise<[number, string][]> {
  const records: [number, string][] = []
  for await (const { sequence, bytes } of log.replay(from))
    records.push([sequence, Buffer.from(bytes).toString()])
  return records
}

/** Waits for what the log does in the background, turn by turn of the file system. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    if (turn === 100_000) throw new Error('it never comes')
    await readdir(directory)
  }
}

const text = (value: string) => Buffer.from(value)

describe('appending', () => {
  it('numbers records from 1 without gaps, and gives them back in order after reopening', async () => {
    const log = await open4k()
    expect(log.recovery.outcome).toBe('created')
    expect(await log.append(text('a'))).toBe(1)
    expect(await log.append([text('b'), text(''), text('d')])).toBe(4)
    expect(await Promise.all([log.append(text('e')), log.appendBuffered(text('f'))])).toEqual([5, 6])
    await log.close()
    const again = await open4k()
    expect(again.recovery).toMatchObject({ outcome: 'closed', records: 6 })
    expect(await readAll(again)).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, ''],
      [4, 'd'],
      [5, 'e'],
      [6, 'f'],
    ])
    expect(await again.append(text('g'))).toBe(7)
  })

  it('goes on over many segments, and in the same place after each reopening', async () => {
    const expected: [number, string][] = []
    for (let round = 0; round < 5; round++) {
      const log = await open4k()
      for (let index = 0; index < 20; index++) {
        const value = `${round}.${index}.${'x'.repeat(index * 37)}`
        expected.push([await log.append(text(value)), value])
      }
      expect(await readAll(log)).toEqual(expected)
      expect(await readAll(log, 15)).toEqual(expected.slice(14))
      await log.close()
    }
    expect(expected.at(-1)![0]).toBe(100)
  })

  it('makes one group of what 64 writers append during a sync', async () => {
    const groups: number[] = []
    const log = await open4k({
      limits: { segmentBytes: 65536 },
      observer: { synced: ({ records }) => groups.push(records) },
    })
    await Promise.all(
      Array.from({ length: 64 }, async (_, writer) => {
        for (let turn = 0; turn < 5; turn++) await log.append(text(`${writer}`))
      }),
    )
    expect(groups).toEqual([64, 64, 64, 64, 64])
  })

  it('takes a record as long as the segment allows and refuses one byte more, with both figures', async () => {
    const log = await open4k()
    // The README's figure, not the code's.
    const limit = 4096 - 356
    expect(await log.append(new Uint8Array(limit).fill(7))).toBe(1)
    await expect(log.append(new Uint8Array(limit + 1))).rejects.toMatchObject({
      code: 'SE_LOG_RECORD_TOO_LARGE',
      details: { payloadBytes: limit + 1, payloadBytesMax: limit },
    })
    expect(await log.append(new Uint8Array(limit).fill(8))).toBe(2)
    const lengths: number[] = []
    for await (const { bytes } of log.replay()) lengths.push(bytes.length)
    expect(lengths).toEqual([limit, limit])
  })

  it('refuses what is no record, naming the field', async () => {
    const log = await open4k()
    for (const wrong of ['text', [], ['text'], undefined]) {
      await expect(log.append(wrong as never)).rejects.toMatchObject({
        code: 'SE_INVALID_INPUT',
        field: 'records',
      })
    }
  })
})

describe('opening', () => {
  it('cuts a torn tail and keeps the piece beside the segment', async () => {
    const log = await open4k()
    await log.append(text('kept'))
    await log.append(text('lost'))
    const { outcome, file } = await copyCrashed(log, async (path) => {
      const bytes = await readFile(path)
      bytes.fill(0, bytes.indexOf('lost'), bytes.indexOf('lost') + 4)
      await writeFile(path, bytes)
    })
    expect(outcome.recovery).toMatchObject({
      outcome: 'torn',
      records: 1,
      torn: { offset: 64 + 96 + 8, file },
    })
    expect(await readAll(outcome)).toEqual([[1, 'kept']])
    expect(await readdir(directory)).toContain(outcome.recovery.torn!.pieceFile)
    expect(await outcome.append(text('next'))).toBe(2)
  })

  it('refuses damage before a valid record, says where, and changes nothing [P10]', async () => {
    const log = await open4k()
    await log.append(text('first'))
    await log.append(text('second'))
    await log.append(text('third'))
    await log.close()
    const path = join(directory, '0000000000000001.wal')
    const bytes = await readFile(path)
    bytes[bytes.indexOf('second')]! ^= 1
    await writeFile(path, bytes)
    await expect(open4k()).rejects.toMatchObject({
      code: 'SE_LOG_DAMAGED',
      details: { file: '0000000000000001.wal', offset: 64 + 96 + 16, lastGoodSequence: 1 },
    })
    expect((await readFile(path)).equals(bytes)).toBe(true)
  })

  it('refuses a second writer, and takes over the lock of a dead one', async () => {
    const log = await open4k()
    await expect(open4k()).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })
    await log.close()
    const dead = { pid: process.pid, bootId: 'another boot', startTime: '1' }
    await writeFile(join(directory, 'log.lock'), JSON.stringify(dead))
    await open4k()
  })

  it('names a missing segment', async () => {
    const log = await open4k()
    for (let index = 0; index < 10; index++) await log.append(new Uint8Array(2000))
    await log.close()
    await rm(join(directory, '0000000000000002.wal'))
    await expect(open4k()).rejects.toMatchObject({
      code: 'SE_LOG_SEGMENT_MISSING',
      details: { file: '0000000000000002.wal' },
    })
  })

  it("leaves strangers' files alone", async () => {
    await writeFile(join(directory, 'instance.json'), '{}')
    const log = await open4k()
    await log.append(text('a'))
    await log.close()
    await open4k()
    expect(await readFile(join(directory, 'instance.json'), 'utf8')).toBe('{}')
  })

  it.each(['directory', 'limits.segmentBytes', 'limits.colour', 'onFull', 'waitMs', 'colour'])(
    'refuses a wrong %s by name',
    async (field) => {
      const wrong: Record<string, object> = {
        directory: { directory: '' },
        'limits.segmentBytes': { limits: { segmentBytes: 5000 } },
        'limits.colour': { limits: { colour: 1 } },
        onFull: { onFull: 'sometimes' },
        waitMs: { waitMs: -1 },
        colour: { colour: 1 },
      }
      await expect(openLog({ directory, ...wrong[field] } as LogOptions)).rejects.toMatchObject({
        code: 'SE_INVALID_CONFIG',
        field,
      })
    },
  )
})

describe('releasing', () => {
  it('gives room back: a bounded log takes thirty times its bound [P4]', async () => {
    const log = await open4k({ onFull: 'refuse', limits: { segmentBytes: 4096, bytesMax: 3 * 4096 } })
    for (let index = 0; index < 200; index++) {
      const sequence = await log.append(new Uint8Array(2000).fill(index))
      await log.release(sequence - 1)
    }
    expect(log.stats()).toMatchObject({ records: 1, lastSequence: 200, firstSequence: 200 })
    expect((await readdir(directory)).length).toBeLessThan(8)
    await log.close()
    const again = await open4k()
    const rest: number[] = []
    for await (const { sequence, bytes } of again.replay()) rest.push(sequence, bytes[0]!)
    expect(rest).toEqual([200, 199])
  })

  it('frees a segment that was released while it was being written, once it is full', async () => {
    const log = await open4k()
    await log.append(new Uint8Array(3000))
    await log.release(1)
    await log.append(new Uint8Array(3000))
    await until(() => log.stats().oldestSequence === 2)
    expect(log.stats()).toMatchObject({ segments: 1, heldSegments: 0 })
  })

  it('says that a released record is gone', async () => {
    const log = await open4k()
    for (let index = 0; index < 10; index++) await log.append(new Uint8Array(2000))
    await log.release(6)
    await expect(readAll(log, 1)).rejects.toMatchObject({ code: 'SE_LOG_SEQUENCE_RELEASED' })
    await expect(log.release(11)).rejects.toMatchObject({ code: 'SE_INVALID_INPUT', field: 'through' })
  })

  it('shrinks to its floor after a backlog', async () => {
    const log = await open4k({ limits: { segmentBytes: 4096, spareSegmentsMax: 2 } })
    for (let index = 0; index < 40; index++) await log.append(new Uint8Array(2000))
    expect(log.stats()).toMatchObject({ records: 40, segments: 40 })
    await log.release(40)
    // One of them is being prepared for a moment.
    await until(() => log.stats().spareSegments >= 3)
    expect(log.stats()).toMatchObject({ records: 0, segments: 1, spareSegments: 3, fileBytes: 4 * 4096 })
    const files = (await readdir(directory)).filter((name) => /\.(wal|spare)$/.test(name))
    expect(files.length).toBe(4)
  })

  it('does not free what a reader has still to read', async () => {
    const log = await open4k()
    for (let index = 0; index < 10; index++) await log.append(new Uint8Array(2000).fill(index))
    const reader = log.replay()
    expect((await reader.next()).value!.sequence).toBe(1)
    await log.release(10)
    for (let index = 10; index < 20; index++) await log.append(new Uint8Array(2000).fill(index))
    const read: number[] = []
    for await (const { sequence, bytes } of reader) {
      expect(bytes.every((byte) => byte === sequence - 1)).toBe(true)
      read.push(sequence)
    }
    expect(read).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
    await until(() => log.stats().oldestSequence === 11)
    await log.release(20)
    expect(log.stats().oldestSequence).toBeGreaterThan(10)
  })

  it('keeps released segments for the delay, and replays them', async () => {
    const clock = createFakeClock()
    const log = await open4k({ clock, releaseDelayMs: 1000 })
    for (let index = 0; index < 10; index++) await log.append(text(`${index}${'x'.repeat(2000)}`))
    await log.release(10)
    expect((await readAll(log, 1)).length).toBe(10)
    expect(log.stats()).toMatchObject({ firstSequence: 11, oldestSequence: 1, records: 0 })
    await clock.advance(1001)
    await log.release(10)
    await log.close()
    const again = await open4k()
    expect(again.stats().oldestSequence).toBeGreaterThan(8)
  })

  it('counts held segments for bytesMax until the delay is over', async () => {
    const clock = createFakeClock()
    const limits = { segmentBytes: 4096, bytesMax: 3 * 4096 }
    const log = await open4k({ clock, releaseDelayMs: 1000, onFull: 'refuse', limits })
    for (let index = 0; index < 3; index++) await log.append(new Uint8Array(3600))
    await log.release(3)
    const { bytes } = log.stats()
    expect(bytes).toBeGreaterThan(2 * 3600)
    await log.append(new Uint8Array(3600))
    await log.release(4)
    await expect(log.append(new Uint8Array(3600))).rejects.toMatchObject({ details: { reason: 'bytes' } })
    await clock.advance(1001)
    await log.release(4)
    expect(log.stats()).toMatchObject({ bytes: 0, heldSegments: 0 })
    expect(await log.append(new Uint8Array(3600))).toBe(5)
  })

  it.each(['records', 'bytes', 'age'] as const)(
    'refuses at the bound on %s, with the reason',
    async (reason) => {
      const clock = createFakeClock()
      const limits = {
        records: { segmentBytes: 4096, recordsMax: 4 },
        bytes: { segmentBytes: 4096, bytesMax: 8192 },
        age: { segmentBytes: 4096, ageMsMax: 1000 },
      }[reason]
      const log = await open4k({ clock, onFull: 'refuse', limits })
      for (let index = 0; index < 4; index++) await log.append(new Uint8Array(1700))
      await clock.advance(1001)
      await expect(log.append(new Uint8Array(1700))).rejects.toMatchObject({
        code: 'SE_LOG_FULL',
        details: { reason },
      })
      expect(await log.append(text('urgent'), { urgent: true })).toBe(5)
      await log.release(5)
      expect(await log.append(text('again'))).toBe(6)
    },
  )

  it('lets writers wait for room, in order, and refuses them when their time is over', async () => {
    const clock = createFakeClock()
    const log = await open4k({ clock, waitMs: 500, limits: { segmentBytes: 4096, recordsMax: 2 } })
    await log.append([text('a'), text('b')])
    const third = log.append(text('c'))
    const fourth = log.append(text('d'))
    expect(log.stats().waitingCalls).toBe(2)
    await log.release(1)
    expect(await third).toBe(3)
    const refused = expect(fourth).rejects.toMatchObject({ code: 'SE_LOG_FULL' })
    await clock.advance(501)
    await refused
  })
})

describe('closing', () => {
  it('writes what is queued, then refuses with a typed error', async () => {
    const log = await open4k()
    const last = log.append(text('a'))
    await Promise.all([log.close(), log.close()])
    expect(await last).toBe(1)
    await expect(log.append(text('b'))).rejects.toMatchObject({ code: 'SE_LOG_CLOSED' })
    await expect(log.release(1)).rejects.toMatchObject({ code: 'SE_LOG_CLOSED' })
    await log[Symbol.asyncDispose]()
    expect(await readdir(directory)).not.toContain('log.lock')
  })

  it('remembers a release across closing', async () => {
    const log = await open4k()
    await log.append([text('a'), text('b')])
    await log.release(1)
    await log.close()
    const again = await open4k()
    expect(await readAll(again)).toEqual([[2, 'b']])
  })
})

/** Copies the directory as a killed process leaves it, changes the last segment, and opens the copy. */
async function copyCrashed(
  log: Log,
  change: (path: string) => Promise<void>,
): Promise<{ outcome: Log & { recovery: LogRecovery }; file: string }> {
  const file = '0000000000000001.wal'
  const handle = await open(join(directory, file), 'r')
  const bytes = await handle.readFile()
  await handle.close()
  await log.close()
  await writeFile(join(directory, file), bytes)
  await change(join(directory, file))
  return { outcome: await open4k(), file }
}
