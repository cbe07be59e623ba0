import {
  ignoreMissing,
  writeFully,
  type Clock,
  type FileHandle,
  type FileSystem,
  type Random,
} from '@se/core'
import { LogLocked, LogLockLost } from './errors.ts'
import {
  decodeLockFile,
  encodeLockFile,
  generationsOf,
  lockFileName,
  readLockName,
  signFileName,
  type LockFile,
} from './lock-file.ts'
import type { Processes } from './process-identity.ts'

/** The holder writes to its lock file this often, ms. */
const BEAT_MS = 2000
/** So long after the begin of its last beat it may act without looking at the lock, ms. */
const SURE_MS = 6000
/**
 * A holder that cannot be judged is taken for dead when its lock file has not changed for this long, ms, by the clock of the
 * one who watches. Well above SURE_MS: by then the holder, if it lives, does nothing more before it looks.
 */
const SILENCE_MS = 20_000
/** Who watches looks this often, ms. */
const WATCH_MS = 250
/** A lock that changes hands this often while we try is in good hands. */
const ATTEMPTS_MAX = 20
/** A file that is not whole is read so often before it counts as remains. */
const READS_MAX = 5

export interface LockPorts {
  readonly fileSystem: FileSystem
  readonly processes: Processes
  readonly random: Random
  readonly clock: Clock
}

/** One writer a directory. */
export interface DirectoryLock {
  /**
   * The holder before could not be judged, and was taken for dead because it was silent. If it lives it may still have
   * files open, and writes under way.
   */
  readonly isFromSilence: boolean
  /** Whether no other can have taken the lock over by now. */
  readonly isSure: boolean
  /** Looks at the lock unless it is sure. @throws as `look` */
  makeSure(): Promise<void>
  /** @throws LogLockLost if the lock is gone or another's, or the file system's error if that cannot be told */
  look(): Promise<void>
  /** Told once when the lock is found to be lost, also while nobody looks. */
  onLost(told: (error: LogLockLost) => void): void
  /** Says that the lock is free. A lost one is left alone. */
  release(): Promise<void>
}

/**
 * Takes the lock of a directory, or that of a dead process over.
 *
 * The lock file with the highest number counts, and is its holder's until the next one is there. Who finds it released, or its holder
 * dead, claims the next number, which one of all contenders can do, and then looks again: at the numbers, as a slow one may
 * have claimed a number that was passed long ago, and at the files that it judged. Only then the claim is a lock.
 *
 * @throws LogLocked while another living process, or this one, has the directory open
 */
export async function lockDirectory(directory: string, ports: LockPorts): Promise<DirectoryLock> {
  const { fileSystem, processes, random, clock } = ports
  const nonce = Buffer.from(random.bytes(8)).toString('hex')
  const holder = processes.self()
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const names = await fileSystem.list(directory)
    const judged = await judgeLocks(directory, generationsOf(names), ports)
    if (judged === undefined) continue
    if (!judged.hasHolder) await refuseStrays(directory, names, processes)
    const generation = (judged.files[0]?.generation ?? 0) + 1
    const startMs = clock.monotonicMs()
    const handle = await create(fileSystem, directory, generation, {
      holder,
      nonce,
      state: 'claimed',
      beat: 0,
    })
    if (handle === undefined) continue
    const lock = new HeldLock(directory, generation, { holder, nonce }, handle, startMs, ports)
    try {
      const [highest] = generationsOf(await fileSystem.list(directory))
      if (highest === generation && (await areUnchanged(directory, judged.files, fileSystem))) {
        await lock.begin(names, judged.isFromSilence)
        return lock
      }
    } catch (error) {
      await lock.withdraw()
      throw error
    }
    await lock.withdraw()
  }
  throw locked(directory, undefined)
}

interface Judged {
  /** What the verdict rests on. */
  readonly files: readonly { readonly generation: number; readonly content: Uint8Array }[]
  /** Whether a lock was among them that was held once. */
  readonly hasHolder: boolean
  readonly isFromSilence: boolean
}

/** @returns why the next lock may be made; undefined if there are other ones by now @throws LogLocked */
async function judgeLocks(
  directory: string,
  generations: readonly number[],
  ports: LockPorts,
): Promise<Judged | undefined> {
  const files: { generation: number; content: Uint8Array }[] = []
  let isFromSilence = false
  for (const generation of generations) {
    const verdict = await judgeLock(directory, generation, ports)
    if (verdict === undefined) return undefined
    files.push({ generation, content: verdict.content })
    isFromSilence ||= verdict.isSilent
    if (verdict.wasHeld) return { files, hasHolder: true, isFromSilence }
  }
  return { files, hasHolder: false, isFromSilence }
}

/** @returns why this lock is not in the way; undefined if it is not there any more @throws LogLocked if its maker lives */
async function judgeLock(
  directory: string,
  generation: number,
  { fileSystem, processes, clock }: LockPorts,
): Promise<{ content: Uint8Array; wasHeld: boolean; isSilent: boolean } | undefined> {
  const startMs = clock.monotonicMs()
  let first: Uint8Array | undefined
  for (let read = 1; ; read++) {
    const content = await readLock(fileSystem, directory, generation)
    if (content === undefined) return undefined
    const file = decodeLockFile(content)
    if (file === undefined) {
      // In the making, or remains: it never was held, or a look would find it damaged.
      if (read < READS_MAX) continue
      return { content, wasHeld: false, isSilent: false }
    }
    const wasHeld = file.state !== 'claimed'
    if (file.state === 'released') return { content, wasHeld, isSilent: false }
    const verdict = await processes.judge(file.holder, signPath(directory, generation, file.nonce))
    if (verdict === 'dead') return { content, wasHeld, isSilent: false }
    first ??= content
    // Only a living process writes.
    if (verdict === 'alive' || !isSame(first, content)) throw locked(directory, file)
    if (clock.monotonicMs() - startMs >= SILENCE_MS) return { content, wasHeld, isSilent: true }
    await new Promise<void>((resolve) => clock.setTimer(WATCH_MS, resolve))
  }
}

async function areUnchanged(
  directory: string,
  files: Judged['files'],
  fileSystem: FileSystem,
): Promise<boolean> {
  for (const { generation, content } of files) {
    if (!isSame(content, await readLock(fileSystem, directory, generation))) return false
  }
  return true
}

/** A living holder whose lock file was removed, or written over, still answers. @throws LogLocked */
async function refuseStrays(
  directory: string,
  names: readonly string[],
  processes: Processes,
): Promise<void> {
  for (const name of names) {
    if (readLockName(name)?.kind !== 'sign') continue
    if (await processes.answers(`${directory}/${name}`)) throw locked(directory, undefined)
  }
}

/** @returns the open file; undefined if there is one of this generation already */
async function create(
  fileSystem: FileSystem,
  directory: string,
  generation: number,
  content: LockFile,
): Promise<FileHandle | undefined> {
  const path = `${directory}/${lockFileName(generation)}`
  let handle: FileHandle
  try {
    handle = await fileSystem.open(path, 'create')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  try {
    await writeFully(handle, encodeLockFile(content), 0)
    return handle
  } catch (error) {
    await handle.close().catch(() => {})
    await fileSystem.remove(path).catch(() => {})
    throw error
  }
}

class HeldLock implements DirectoryLock {
  readonly #directory: string
  readonly #generation: number
  readonly #identity: Pick<LockFile, 'holder' | 'nonce'>
  readonly #handle: FileHandle
  readonly #ports: LockPorts
  #isFromSilence = false
  #beat = 0
  #sureUntilMs: number
  #looking: Promise<void> | undefined
  #lost: LogLockLost | undefined
  #onLost: ((error: LogLockLost) => void) | undefined
  #cancelTimer: (() => void) | undefined
  #isReleased = false
  #takeSignAway = async (): Promise<void> => {}

  constructor(
    directory: string,
    generation: number,
    identity: Pick<LockFile, 'holder' | 'nonce'>,
    handle: FileHandle,
    startMs: number,
    ports: LockPorts,
  ) {
    this.#directory = directory
    this.#generation = generation
    this.#identity = identity
    this.#handle = handle
    this.#sureUntilMs = startMs + SURE_MS
    this.#ports = ports
  }

  get isFromSilence(): boolean {
    return this.#isFromSilence
  }

  get isSure(): boolean {
    return this.#lost === undefined && this.#ports.clock.monotonicMs() < this.#sureUntilMs
  }

  /** The claim is a lock now: makes the sign, starts to beat, and removes what earlier holders left. */
  async begin(names: readonly string[], isFromSilence: boolean): Promise<void> {
    const { fileSystem, processes } = this.#ports
    this.#isFromSilence = isFromSilence
    await this.#write('held')
    this.#takeSignAway = await processes.announce(
      signPath(this.#directory, this.#generation, this.#identity.nonce),
    )
    this.#beatLater()
    for (const name of names) {
      if (readLockName(name) === undefined) continue
      await fileSystem.remove(`${this.#directory}/${name}`).catch(ignoreMissing)
    }
    await this.makeSure()
  }

  /** The claim was one too many. */
  async withdraw(): Promise<void> {
    this.#isReleased = true
    this.#cancelTimer?.()
    await this.#takeSignAway()
    await this.#handle.close().catch(() => {})
    await this.#ports.fileSystem
      .remove(`${this.#directory}/${lockFileName(this.#generation)}`)
      .catch(ignoreMissing)
  }

  onLost(told: (error: LogLockLost) => void): void {
    this.#onLost = told
    if (this.#lost !== undefined) told(this.#lost)
  }

  async makeSure(): Promise<void> {
    while (!this.isSure) await this.look()
  }

  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async release(): Promise<void> {
    this.#isReleased = true
    this.#cancelTimer?.()
    await this.#looking?.catch(() => {})
    try {
      if (this.#lost === undefined) await this.#write('released')
    } finally {
      await this.#takeSignAway()
      await this.#handle.close()
    }
  }

  /**
   * First the beat, then the look. Who takes over from a silent holder creates the next file, and then sees whether there was a
   * beat: so one of the two sees the other.
   */
  async #look(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    const { fileSystem, clock } = this.#ports
    const startMs = clock.monotonicMs()
    await this.#write('held')
    const content = await readLock(fileSystem, this.#directory, this.#generation)
    const found = content === undefined ? undefined : decodeLockFile(content)
    // A directory that is gone is an answer, and a final one: what is written now lies where no start will look.
    const names = await fileSystem.list(this.#directory).catch(ignoreMissing)
    const [highest = 0] = generationsOf(names ?? [])
    if (highest === this.#generation && found?.nonce === this.#identity.nonce) {
      this.#sureUntilMs = startMs + SURE_MS
      return
    }
    const gone = names === undefined ? 'the directory is gone' : 'its file is gone'
    const who = highest > this.#generation ? 'another process has taken it over' : gone
    const lost = new LogLockLost(
      `the lock of ${this.#directory} is lost: ${who}; this log has written its last record`,
      { details: { directory: this.#directory, lockFile: lockFileName(this.#generation) } },
    )
    this.#lost = lost
    this.#cancelTimer?.()
    this.#onLost?.(lost)
    throw lost
  }

  async #write(state: LockFile['state']): Promise<void> {
    this.#beat++
    await writeFully(this.#handle, encodeLockFile({ ...this.#identity, state, beat: this.#beat }), 0)
  }

  #beatLater(): void {
    if (this.#isReleased || this.#lost !== undefined) return
    this.#cancelTimer = this.#ports.clock.setBackgroundTimer(BEAT_MS, () => {
      // What the file system refuses is tried again; until then the lock is less and less sure.
      void this.look()
        .catch(() => {})
        .finally(() => this.#beatLater())
    })
  }
}

async function readLock(
  fileSystem: FileSystem,
  directory: string,
  generation: number,
): Promise<Uint8Array | undefined> {
  try {
    return await fileSystem.readFile(`${directory}/${lockFileName(generation)}`)
  } catch (error) {
    ignoreMissing(error)
    return undefined
  }
}

function signPath(directory: string, generation: number, nonce: string): string {
  return `${directory}/${signFileName(generation, nonce)}`
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0
}

function locked(directory: string, file: LockFile | undefined): LogLocked {
  const who =
    file === undefined
      ? 'another process'
      : `process ${file.holder.pid}${file.holder.namespaces === '' ? '' : ` of namespaces ${file.holder.namespaces}`}`
  return new LogLocked(`${directory} is open in ${who}; a log has one writer`, {
    details: { directory, pid: file?.holder.pid, namespaces: file?.holder.namespaces },
  })
}
