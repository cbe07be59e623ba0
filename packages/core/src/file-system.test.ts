import { describe, expect, it } from 'vitest'
import { ifAny, readFileIfAny, readFully, writeFully, type FileHandle } from './file-system.ts'
import { createPowerLossFileSystem } from './testing/index.ts'

/** Goal: short calls and missing files are told from ends and failures. Method: a disk whose calls answer as the test says. */

const DIRECTORY = '/data'

async function handleWith(content: string): Promise<FileHandle> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory(DIRECTORY)
  const handle = await disk.open(`${DIRECTORY}/file`, 'create')
  await writeFully(handle, Buffer.from(content), 0)
  return handle
}

/** The same file, each call of which reads or writes one byte. */
function byteByByte(handle: FileHandle): FileHandle {
  return {
    read: (target, position) => handle.read(target.subarray(0, 1), position),
    writev: (buffers, position) => handle.writev([buffers[0]!.subarray(0, 1)], position),
    syncData: () => handle.syncData(),
    truncate: (size) => handle.truncate(size),
    size: () => handle.size(),
    close: () => handle.close(),
  }
}

describe('readFully', () => {
  it.each([
    ['all of it', 0, 11, 'hello world'],
    ['a piece', 6, 3, 'wor'],
    ['up to the end', 6, 10, 'world'],
    ['nothing behind the end', 11, 4, ''],
    ['nothing at all', 0, 0, ''],
  ])('reads %s, also by short reads', async (_, position, length, expected) => {
    const handle = await handleWith('hello world')
    for (const each of [handle, byteByByte(handle)]) {
      const target = new Uint8Array(length)
      const count = await readFully(each, target, position)
      expect(Buffer.from(target.subarray(0, count)).toString()).toBe(expected)
    }
  })

  it('gives the error of a read that fails on the way', async () => {
    const handle = byteByByte(await handleWith('hello'))
    const failing = {
      ...handle,
      read: (target: Uint8Array, position: number) =>
        position === 2 ? Promise.reject(new Error('EIO')) : handle.read(target, position),
    }
    await expect(readFully(failing, new Uint8Array(5), 0)).rejects.toThrow('EIO')
  })
})

describe('writeFully', () => {
  it('goes on after short writes', async () => {
    const handle = await handleWith('hello world')
    await writeFully(byteByByte(handle), Buffer.from('there'), 6)
    const target = Buffer.alloc(11)
    await readFully(handle, target, 0)
    expect(target.toString()).toBe('hello there')
  })
})

describe('what may be missing', () => {
  it('is undefined where there is no such file, and its content where there is', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory(DIRECTORY)
    expect(await readFileIfAny(disk, `${DIRECTORY}/file`)).toBeUndefined()
    expect(await ifAny(disk.open(`${DIRECTORY}/file`, 'read'))).toBeUndefined()
    const handle = await disk.open(`${DIRECTORY}/file`, 'create')
    await writeFully(handle, Buffer.from('x'), 0)
    expect(Buffer.from((await readFileIfAny(disk, `${DIRECTORY}/file`))!).toString()).toBe('x')
  })

  it('is not taken for missing when it cannot be read', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory(DIRECTORY)
    await disk.open(`${DIRECTORY}/file`, 'create')
    disk.onCall = () => ({ code: 'EIO' })
    await expect(readFileIfAny(disk, `${DIRECTORY}/file`)).rejects.toMatchObject({ code: 'EIO' })
  })
})
