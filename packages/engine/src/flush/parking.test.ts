import { ArchiveRefusedData, CorruptData, type FileSystem, type ItemWrite } from '@se/core'
import {
  createFakeClock,
  createPowerLossFileSystem,
  seededRandom,
  type FileSystemCall,
  type PowerLossFileSystem,
} from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { describeError } from './parked-line.ts'
import { PARKED_FILE } from '../directory.ts'
import { ParkingLot } from './parking.ts'

const SEED = Number(process.env.SE_SEED ?? Date.now() % 2 ** 31)
const PATH = `/log/${PARKED_FILE}`
const REFUSED = new ArchiveRefusedData('value too long')

function write(id: string, time: number, value: string | undefined = `value of ${id}`): ItemWrite {
  return {
    id,
    stamp: { time, instance: 3 },
    state: 'open',
    contentType: 'text/plain',
    bytes: value === undefined ? undefined : new TextEncoder().encode(value),
  }
}
const erase = (id: string, time: number): ItemWrite => ({ ...write(id, time), bytes: undefined })

async function createDisk(): Promise<PowerLossFileSystem> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory('/log')
  await disk.syncDirectory('/')
  return disk
}

function open(fileSystem: FileSystem): Promise<ParkingLot> {
  return ParkingLot.open({ directory: '/log', fileSystem, clock: createFakeClock(5_000) })
}

async function readText(disk: FileSystem): Promise<string> {
  return new TextDecoder().decode(await disk.readFile(PATH))
}

describe('ParkingLot', () => {
  it('keeps writes and deletes with why, over a restart [W6, P60]', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    expect(parking.list()).toEqual([])
    const odd = write('user.\u{1f600}\n"', 9, 'line\nbreak')
    await parking.park(odd, 'refused-data', REFUSED)
    await parking.park(erase('b', 8), 'below-collection-floor', 'text')
    const before = parking.list()
    expect(before).toEqual([
      {
        id: odd.id,
        stamp: odd.stamp,
        state: 'open',
        contentType: 'text/plain',
        valueBytes: 10,
        because: 'refused-data',
        error: 'SE_ARCHIVE_REFUSED_DATA: value too long',
        parkedAtMs: 5_000,
      },
      expect.objectContaining({
        id: 'b',
        valueBytes: undefined,
        because: 'below-collection-floor',
        error: 'text',
      }),
    ])
    await parking.close()

    const again = await open(disk.afterKill())
    expect(again.list()).toEqual(before)
    expect(await again.read(odd.id)).toEqual(odd)
    expect(await again.read('b')).toEqual(erase('b', 8))
    expect(again.get('b')).toEqual(before[1])
    expect(await again.read('c')).toBeUndefined()
    expect(again.get('c')).toBeUndefined()
    await again.park(write('c', 1), 'refused-data', REFUSED)
    expect(again.count).toBe(3)
    await again.close()
  })

  it('makes no file while nothing is parked', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.close()
    expect(await disk.list('/log')).toEqual([])
    expect(disk.openCount).toBe(0)
    await expect(parking.park(write('a', 1), 'refused-data', REFUSED)).rejects.toThrow(/closed/)
  })

  it('has a write on the disk when it says so, whatever the power cut leaves [W6]', async () => {
    console.info(`seed ${SEED}`)
    const random = seededRandom(SEED)
    for (let round = 0; round < 200; round++) {
      const disk = await createDisk()
      const parking = await open(disk)
      const kept: ItemWrite[] = []
      let running: Promise<void> | undefined
      const cutAt = random.below(30)
      let cut: PowerLossFileSystem | undefined
      const first = disk.callCount
      disk.onCall = ({ index }: FileSystemCall) => {
        if (cut === undefined && index - first >= cutAt)
          cut = disk.afterPowerCut((count) => random.below(count))
        return undefined
      }
      for (let time = 1; time <= 6; time++) {
        const next = write(`id.${random.below(3)}`, time, 'x'.repeat(random.below(2_000)))
        running = parking.park(next, 'refused-data', REFUSED)
        await running
        if (cut === undefined) kept.push(next)
      }
      cut ??= disk.afterPowerCut((count) => random.below(count))
      const after = await open(cut)
      const stamps = after.list().map(({ stamp }) => stamp.time)
      for (const each of kept) {
        if (!stamps.includes(each.stamp.time))
          throw new Error(`${each.stamp.time} is lost; seed ${SEED}, round ${round}`)
      }
      // At most the one that was being written is there as well.
      expect(stamps.length - kept.length).toBeLessThanOrEqual(1)
      await after.park(write('later', 99), 'refused-data', REFUSED)
      const last = await open(cut.afterPowerCut(() => 0))
      expect(last.list().map(({ stamp }) => stamp.time)).toEqual([...stamps, 99])
    }
  })

  it('keeps the same write once, as the log replays it', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    await parking.park(write('a', 2), 'refused-data', REFUSED)
    expect(parking.list().map(({ stamp }) => stamp.time)).toEqual([1, 2])
    expect(parking.get('a')?.stamp.time).toBe(2)
    const again = await open(disk.afterKill())
    await again.park(write('a', 1), 'refused-data', REFUSED)
    expect(again.count).toBe(2)
  })

  it('leaves a torn last line out, wherever it is cut', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    const whole = await disk.readFile(PATH)
    await parking.park(write('b', 2), 'refused-data', REFUSED)
    const both = await disk.readFile(PATH)
    for (let length = whole.length; length < both.length; length++) {
      const torn = await createDisk()
      torn.plant(PATH, both.subarray(0, length))
      const after = await open(torn)
      expect(after.list().map(({ id }) => id)).toEqual(['a'])
      await after.park(write('c', 3), 'refused-data', REFUSED)
      expect((await open(torn.afterKill())).list().map(({ id }) => id)).toEqual(['a', 'c'])
    }
  })

  it('stops at damage with whole lines behind it, and names the line [P10]', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    for (const id of ['a', 'b', 'c']) await parking.park(write(id, 1), 'refused-data', REFUSED)
    const text = await readText(disk)
    const lines = text.split('\n')
    const random = seededRandom(7)
    for (let round = 0; round < 200; round++) {
      const bytes = new TextEncoder().encode(text)
      const at = random.below(lines[0]!.length + 1 + lines[1]!.length)
      bytes[at]! ^= 1 << random.below(8)
      const damaged = await createDisk()
      damaged.plant(PATH, bytes)
      await expect(open(damaged)).rejects.toThrow(CorruptData)
      await expect(open(damaged)).rejects.toThrow(at <= lines[0]!.length ? /line 1 / : /line 2 /)
    }
  })

  it('closes what is retried once it is acknowledged elsewhere, oldest first, with its stamp', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 2), 'refused-data', REFUSED)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    await parking.park(write('b', 3), 'refused-data', REFUSED)
    const submitted: ItemWrite[] = []
    const count = await parking.retry('a', async (item) => {
      expect(parking.list().some(({ stamp }) => stamp.time === item.stamp.time)).toBe(true)
      submitted.push(item)
    })
    expect(count).toBe(2)
    expect(submitted).toEqual([write('a', 1), write('a', 2)])
    expect(parking.list().map(({ id }) => id)).toEqual(['b'])
    expect((await open(disk.afterPowerCut(() => 0))).list().map(({ id }) => id)).toEqual(['b'])
    expect(await parking.retry('a', async () => expect.fail('nothing is parked'))).toBe(0)
  })

  it('keeps what could not be submitted', async () => {
    const parking = await open(await createDisk())
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    const error = new Error('full')
    await expect(parking.retry('a', () => Promise.reject(error))).rejects.toBe(error)
    expect(parking.count).toBe(1)
    expect(await parking.retry('a', async () => {})).toBe(1)
  })

  it('keeps what is refused again before its retry is closed', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    await parking.retry('a', async (item) => {
      // The flush is quicker than we are.
      await parking.park(item, 'refused-data', REFUSED)
    })
    expect(parking.list().map(({ stamp }) => stamp.time)).toEqual([1])
    expect((await open(disk.afterKill())).count).toBe(1)
  })

  it('gives up what is dropped, and removes the file when nothing is left', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    await parking.park(write('a', 2), 'refused-data', REFUSED)
    expect(await parking.drop('a')).toBe(2)
    expect(await parking.drop('a')).toBe(0)
    expect(parking.list()).toEqual([])
    const next = disk.afterPowerCut(() => 0)
    expect((await open(next)).count).toBe(0)
    expect(await next.list('/log')).toEqual([])
  })

  it('parks nothing more after a failed sync, and believes nothing of it after a restart [P9]', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    disk.onCall = ({ operation }) => (operation === 'syncData' ? { code: 'EIO' } : undefined)
    await expect(parking.park(write('b', 2), 'refused-data', REFUSED)).rejects.toMatchObject({
      code: 'SE_PARKING_FAILED',
    })
    disk.onCall = undefined
    await expect(parking.park(write('c', 3), 'refused-data', REFUSED)).rejects.toMatchObject({
      code: 'SE_PARKING_FAILED',
    })
    const next = disk.afterKill()
    const again = await open(next)
    // The replayed log brings it again; whether or not it was read back, now it is on the disk.
    await again.park(write('b', 2), 'refused-data', REFUSED)
    const cut = await open(next.afterPowerCut(() => 0))
    expect(cut.list().map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('goes on after a full disk, over what the failed line left', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    let writes = 0
    disk.onCall = ({ operation }) => {
      if (operation !== 'writev') return undefined
      writes += 1
      return writes === 1 ? { writtenBytes: 200 } : { code: 'ENOSPC' }
    }
    const long = write('b', 2, 'x'.repeat(3_000))
    await expect(parking.park(long, 'refused-data', REFUSED)).rejects.toMatchObject({
      code: 'SE_PARKING_FAILED',
      cause: { code: 'ENOSPC' },
    })
    disk.onCall = undefined
    await parking.park(write('c', 3, ''), 'refused-data', REFUSED)
    await parking.park(long, 'refused-data', REFUSED)
    expect(await parking.read('b')).toEqual(long)
    expect((await open(disk.afterPowerCut(() => 0))).list().map(({ id }) => id)).toEqual(['a', 'c', 'b'])
  })

  it('tries again to make the file after the directory could not be synced', async () => {
    const disk = await createDisk()
    const parking = await open(disk)
    disk.onCall = ({ operation }) => (operation === 'syncDirectory' ? { code: 'EIO' } : undefined)
    await expect(parking.park(write('a', 1), 'refused-data', REFUSED)).rejects.toThrow(/could not be written/)
    disk.onCall = undefined
    await parking.park(write('a', 1), 'refused-data', REFUSED)
    expect((await open(disk.afterPowerCut(() => 0))).count).toBe(1)
    await parking.close()
    expect(disk.openCount).toBe(0)
  })
})

describe('describeError', () => {
  it('keeps code and message, shortened, and no credentials [P49]', () => {
    expect(describeError(REFUSED)).toBe('SE_ARCHIVE_REFUSED_DATA: value too long')
    expect(describeError(new Error('x'.repeat(5_000)))).toHaveLength(300)
    expect(describeError(new Error('connect mysql://root:hunter2@db:3306 failed'))).toBe(
      'connect mysql://***@db:3306 failed',
    )
    expect(describeError(new Error('password=hunter2 refused'))).toBe('password=*** refused')
    expect(describeError(undefined)).toBe('undefined')
  })
})
