/**
 * The child of `process-end.test.ts`: a script that awaits the log, and nothing else that keeps a process alive. Prints `end` and what became of it
 * when it has come to its end, not when the process happens to be over.
 */
import type { FileHandle, FileSystem, OpenMode } from '@se/core'
import { nodeFileSystem } from '@se/core/node'
import { openLog, systemProcesses, type LogOptions, type Processes } from '../src/index.ts'

const [scenario, directory] = process.argv.slice(2) as [string, string]
const limits = { segmentBytes: 4096, recordsMax: 100 }
const base: LogOptions = { directory, limits, waitMs: 300 }
const record = () => new Uint8Array(1900)

/** The disk, but for what `write` says of writes to these files. */
function withWrites(isConcerned: (path: string) => boolean, write: () => void): FileSystem {
  return {
    ...nodeFileSystem,
    async open(path: string, mode: OpenMode): Promise<FileHandle> {
      const handle = await nodeFileSystem.open(path, mode)
      if (!isConcerned(path) || mode === 'read') return handle
      const writev = handle.writev.bind(handle)
      handle.writev = async (buffers, position) => {
        write()
        return writev(buffers, position)
      }
      return handle
    },
  }
}

function fail(code: string): never {
  throw Object.assign(new Error(code), { code })
}

const unknown: Processes = { ...systemProcesses, judge: async () => 'unknown' }

const SCENARIOS: Record<string, () => Promise<unknown>> = {
  async whole() {
    const log = await openLog(base)
    for (let count = 0; count < 50; count++) await log.append(record())
    await log.close()
    return log.stats().lastSequence
  },
  async backlog() {
    const log = await openLog({ ...base, limits: { ...limits, recordsMax: 2 } })
    for (;;) await log.append(record())
  },
  async 'full disk'() {
    const fileSystem = withWrites(
      (path) => path.endsWith('2.spare'),
      () => fail('ENOSPC'),
    )
    const log = await openLog({ ...base, fileSystem, processes: systemProcesses })
    for (;;) await log.append(record())
  },
  async 'disk with room after a while'() {
    const freeMs = performance.now() + 700
    const fileSystem = withWrites(
      (path) => path.endsWith('2.spare'),
      () => performance.now() < freeMs && fail('ENOSPC'),
    )
    const log = await openLog({ ...base, waitMs: 5000, fileSystem, processes: systemProcesses })
    for (let count = 0; count < 4; count++) await log.append(record())
    await log.close()
    return log.stats().lastSequence
  },
  async 'failing disk'() {
    let writes = 0
    const fileSystem = withWrites(
      (path) => path.endsWith('.wal'),
      () => ++writes > 3 && fail('EIO'),
    )
    const log = await openLog({ ...base, fileSystem, processes: systemProcesses })
    for (;;) await log.append(record()).finally(() => log.stats().state === 'failed' && log.close())
  },
  async 'a holder that cannot be judged'() {
    return openLog({ ...base, processes: unknown })
  },
  async 'nobody closes it'() {
    const log = await openLog({ ...base, releaseDelayMs: 3_600_000 })
    for (let count = 0; count < 50; count++) await log.append(record())
    await log.release(50)
    return log.stats().heldSegments > 0
  },
}

async function main(): Promise<void> {
  const outcome = await SCENARIOS[scenario]!().catch((error: { code: string }) => error.code)
  console.log(`end ${String(outcome)}`)
}

void main()
