import type { FileHandle, FileSystem } from '@se/core'
import { createPowerLossFileSystem } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { SegmentHandle } from './segment-handle.ts'

/** Goal: what is written is all there, whatever the file system writes at a time; and no descriptor is lost. */

const PATH = '/segment'

async function diskWithFile() {
  const disk = createPowerLossFileSystem({ sectorBytes: 1 })
  disk.plant(PATH, new Uint8Array(20))
  return disk
}

describe('writing several buffers', () => {
  const buffers = ['abc', '', 'd', 'efgh', 'ij'].map((part) => Buffer.from(part))

  it.each(['write', 'writeThrough'] as const)(
    '%s goes on behind each short write, wherever in the buffers it ended',
    async (way) => {
      for (let writtenBytes = 1; writtenBytes <= 10; writtenBytes++) {
        const disk = await diskWithFile()
        const handle = await SegmentHandle.open(disk, PATH)
        disk.onCall = ({ operation }) => (operation === 'writev' ? { writtenBytes } : undefined)
        await handle[way](buffers, 5)
        const bytes = Buffer.from(await disk.readFile(PATH))
        expect(bytes.toString('latin1', 5, 15), `${writtenBytes} at a time`).toBe('abcdefghij')
        expect(bytes.subarray(15).every((byte) => byte === 0)).toBe(true)
        if (way === 'write') await handle.sync()
        const kept = Buffer.from(await disk.afterPowerCut(() => 0).readFile(PATH))
        expect(kept.equals(bytes), `${writtenBytes} at a time`).toBe(true)
        await handle.close()
      }
    },
  )
})

describe('descriptors', () => {
  it('are both closed, and the failure told, when closing either one fails', async () => {
    for (let failing = 0; failing < 2; failing++) {
      const disk = await diskWithFile()
      const handle = await SegmentHandle.open(disk, PATH)
      let closes = 0
      disk.onCall = ({ operation }) =>
        operation === 'close' && closes++ === failing ? { code: 'EIO' } : undefined
      await expect(handle.close()).rejects.toMatchObject({ code: 'EIO' })
      expect(disk.openCount).toBe(0)
    }
  })

  it('are not left open when the second cannot be had; that is the error, also if closing the first fails', async () => {
    const disk = await diskWithFile()
    disk.onCall = ({ operation }) => (operation === 'close' ? { code: 'EIO' } : undefined)
    const fileSystem: Pick<FileSystem, 'open'> = {
      open(path, mode): Promise<FileHandle> {
        if (mode === 'write-through') throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
        return disk.open(path, mode)
      },
    }
    await expect(SegmentHandle.open(fileSystem as FileSystem, PATH)).rejects.toMatchObject({ code: 'EMFILE' })
    expect(disk.openCount).toBe(0)
  })
})
