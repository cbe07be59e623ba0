import { describe, expect, it } from 'vitest'
import { writeFileAtomically, type FileSystem } from '../file-system.ts'
import { createPowerLossFileSystem, type PowerLossFileSystem } from './power-loss-file-system.ts'
import { forEveryChoice } from './every-choice.ts'

/** Goal: the simulated disk loses exactly what POSIX lets a disk lose. Method: every outcome of a cut is listed. */

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

async function create(fileSystem: FileSystem, path: string, content: string) {
  const handle = await fileSystem.open(path, 'create')
  await handle.writev([Buffer.from(content)], 0)
  return handle
}

/** Every state that `look` sees after a cut, each once, sorted. */
async function outcomes(
  disk: PowerLossFileSystem,
  look: (after: PowerLossFileSystem) => Promise<string>,
): Promise<string[]> {
  const seen = new Set<string>()
  await forEveryChoice(async (choose) => {
    seen.add(await look(disk.afterPowerCut(choose)))
  }, 10_000)
  return [...seen].sort()
}

const contentOf = (path: string) => (disk: PowerLossFileSystem) =>
  disk.readFile(path).then(text, (error: { code: string }) => error.code)

describe('what a power cut leaves', () => {
  it('loses a file whose directory was not synced, though its data was', async () => {
    const disk = createPowerLossFileSystem()
    const handle = await create(disk, '/a', 'data')
    await handle.syncData()
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['ENOENT', 'data'])
    await disk.syncDirectory('/')
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['data'])
  })

  it('keeps any subset of the sectors written since the last sync', async () => {
    const disk = createPowerLossFileSystem({ sectorBytes: 2 })
    const handle = await create(disk, '/a', 'aabb')
    await handle.syncData()
    await disk.syncDirectory('/')
    await handle.writev([Buffer.from('X'), Buffer.from('YZ')], 1)
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['aXYZ', 'aXbb', 'aaYZ', 'aabb'])
  })

  it('may leave any of the contents a sector had, and any size', async () => {
    const disk = createPowerLossFileSystem({ sectorBytes: 4 })
    const handle = await create(disk, '/a', '1111')
    await handle.syncData()
    await disk.syncDirectory('/')
    await handle.writev([Buffer.from('2222')], 0)
    await handle.writev([Buffer.from('3333')], 0)
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['1111', '2222', '3333'])
    await handle.syncData()
    await handle.truncate(2)
    // The cut sector may be there before the size is.
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['33', '33\0\0', '3333'])
  })

  it('keeps what was written through, and no more than that', async () => {
    const disk = createPowerLossFileSystem({ sectorBytes: 2 })
    const handle = await create(disk, '/a', 'aabbcc')
    await handle.syncData()
    await disk.syncDirectory('/')
    const through = await disk.open('/a', 'write-through')
    await handle.writev([Buffer.from('XX')], 0)
    const during: string[] = []
    disk.onCall = ({ operation }) => {
      if (operation === 'syncData') disk.turnOff()
      return undefined
    }
    await expect(through.writev([Buffer.from('YYZZ')], 2)).rejects.toMatchObject({ code: 'EIO' })
    during.push(...(await outcomes(disk, contentOf('/a'))))
    expect(during).toHaveLength(8)
    expect(during).toContain('aabbZZ')

    const again = disk.afterPowerCut(() => 0)
    const writer = await again.open('/a', 'write')
    await writer.writev([Buffer.from('XX')], 0)
    await (await again.open('/a', 'write-through')).writev([Buffer.from('YYZZ')], 2)
    expect(await outcomes(again, contentOf('/a'))).toEqual(['XXYYZZ', 'aaYYZZ'])
  })

  it('renames atomically: the old content or the new, never none', async () => {
    const states = new Set<string>()
    // One run for each call of the second write: the power goes at that call, and every outcome is looked at.
    for (let callsLeft = 0; callsLeft < 20; callsLeft++) {
      const disk = createPowerLossFileSystem()
      await writeFileAtomically(disk, '/', 'a', Buffer.from('old'))
      const last = disk.callCount + callsLeft
      disk.onCall = ({ index }) => {
        if (index === last) disk.turnOff()
        return undefined
      }
      await writeFileAtomically(disk, '/', 'a', Buffer.from('new')).catch(() => {})
      for (const state of await outcomes(disk, contentOf('/a'))) states.add(state)
    }
    expect([...states].sort()).toEqual(['new', 'old'])
  })

  it('drops the sectors of a failed sync: they read as written, and no later sync saves them [P9]', async () => {
    const disk = createPowerLossFileSystem()
    const handle = await create(disk, '/a', 'old')
    await handle.syncData()
    await disk.syncDirectory('/')
    await handle.writev([Buffer.from('new')], 0)
    disk.onCall = ({ operation }) => (operation === 'syncData' ? { code: 'EIO' } : undefined)
    await expect(handle.syncData()).rejects.toMatchObject({ code: 'EIO' })
    disk.onCall = undefined
    await handle.syncData()
    expect(text(await disk.readFile('/a'))).toBe('new')
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['new', 'old'])
    await handle.writev([Buffer.from('new')], 0)
    await handle.syncData()
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['new'])
  })
})

describe('faults', () => {
  it('drops what a failed write-through wrote, and nothing else [P9]', async () => {
    const disk = createPowerLossFileSystem({ sectorBytes: 2 })
    const handle = await create(disk, '/a', 'aabb')
    await handle.syncData()
    await disk.syncDirectory('/')
    const through = await disk.open('/a', 'write-through')
    await handle.writev([Buffer.from('XX')], 0)
    disk.onCall = ({ operation }) => (operation === 'syncData' ? { code: 'EIO' } : undefined)
    await expect(through.writev([Buffer.from('YY')], 2)).rejects.toMatchObject({ code: 'EIO' })
    disk.onCall = undefined
    await handle.syncData()
    expect(text(await disk.readFile('/a'))).toBe('XXYY')
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['XXYY', 'XXbb'])
  })

  it('may leave any part of a failed sync on the disk, and show that to the next process [P9]', async () => {
    const failed = async () => {
      const disk = createPowerLossFileSystem({ sectorBytes: 2 })
      const handle = await create(disk, '/a', 'aabb')
      await handle.syncData()
      await disk.syncDirectory('/')
      await handle.writev([Buffer.from('XXYY')], 0)
      disk.onCall = ({ operation }) => (operation === 'syncData' ? { code: 'EIO' } : undefined)
      await expect(handle.syncData()).rejects.toMatchObject({ code: 'EIO' })
      return disk
    }
    const seen = new Set<string>()
    await forEveryChoice(async (choose) => {
      const next = (await failed()).afterKill(choose)
      const read = text(await next.readFile('/a'))
      for (const kept of await outcomes(next, contentOf('/a'))) seen.add(`${read} ${kept}`)
    })
    const parts = ['XXYY', 'XXbb', 'aaYY', 'aabb']
    // What reads as old was read from the disk; what reads as new may be there or not.
    const possible = parts.flatMap((read) =>
      parts
        .filter((kept) => (read[0] === 'X' || kept[0] === 'a') && (read[2] === 'Y' || kept[2] === 'b'))
        .map((kept) => `${read} ${kept}`),
    )
    expect([...seen].sort()).toEqual(possible.sort())
    const kept = (await failed()).afterKill()
    expect(text(await kept.readFile('/a'))).toBe('XXYY')
  })

  it('writes through no more of the size than the bytes need', async () => {
    const disk = createPowerLossFileSystem()
    const handle = await create(disk, '/a', 'a')
    await handle.syncData()
    await disk.syncDirectory('/')
    await handle.writev([Buffer.from('abcd')], 0)
    await (await disk.open('/a', 'write-through')).writev([Buffer.from('B')], 1)
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['aB', 'aB\0\0', 'aBcd'])
  })

  it('plants a copy', async () => {
    const disk = createPowerLossFileSystem()
    const content = Buffer.from('a')
    disk.plant('/a', content)
    await (await disk.open('/a', 'write')).writev([Buffer.from('b')], 0)
    expect(text(content)).toBe('a')
    expect(await outcomes(disk, contentOf('/a'))).toEqual(['a', 'b'])
  })

  it('counts the calls on a file that was closed', async () => {
    const disk = createPowerLossFileSystem()
    const handle = await create(disk, '/a', 'a')
    disk.onCall = ({ operation }) => (operation === 'close' ? { code: 'EIO' } : undefined)
    await expect(handle.close()).rejects.toMatchObject({ code: 'EIO' })
    expect(disk).toMatchObject({ openCount: 0, strayCount: 0 })
    await expect(handle.close()).rejects.toMatchObject({ code: 'EBADF' })
    expect(disk).toMatchObject({ openCount: 0, strayCount: 1 })
    expect(disk.callCount).toBe(3)
  })

  it('writes short when told to, and fails with the code it is given', async () => {
    const disk = createPowerLossFileSystem()
    const handle = await create(disk, '/a', '')
    disk.onCall = ({ operation }) => (operation === 'writev' ? { writtenBytes: 3 } : undefined)
    expect(await handle.writev([Buffer.from('ab'), Buffer.from('cd')], 0)).toBe(3)
    expect(text(await disk.readFile('/a'))).toBe('abc')
    disk.onCall = () => ({ code: 'ENOSPC' })
    await expect(handle.writev([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it('answers nothing once the power is off', async () => {
    const disk = createPowerLossFileSystem()
    disk.turnOff()
    await expect(disk.list('/')).rejects.toMatchObject({ code: 'EIO' })
  })

  it('keeps to the port: what must exist must exist, what must not must not', async () => {
    const disk = createPowerLossFileSystem()
    await create(disk, '/a', 'x')
    await expect(disk.open('/a', 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(disk.open('/b', 'write')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.remove('/b')).rejects.toMatchObject({ code: 'ENOENT' })
    await disk.makeDirectory('/d/e')
    await disk.makeDirectory('/d/e')
    expect((await disk.list('/')).sort()).toEqual(['a', 'd'])
  })
})

it('runs through every combination of choices once', async () => {
  const seen: string[] = []
  const count = await forEveryChoice((choose) => {
    const first = choose(2)
    seen.push(`${first}${first === 1 ? choose(3) : ''}`)
  })
  expect(seen).toEqual(['0', '10', '11', '12'])
  expect(count).toBe(4)
})
