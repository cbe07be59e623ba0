import {
  checkId,
  compareStamps,
  CorruptData,
  equalStamps,
  invariant,
  readFileIfAny,
  readFully,
  SerialQueue,
  StorageError,
  writeFileAtomically,
  writeFully,
  type Clock,
  type FileHandle,
  type FileSystem,
  type ItemWrite,
} from '@se/core'
import { PARKED_FILE } from '../directory.ts'
import type { ParkCause } from '../observer/events.ts'
import { copyOf } from '../report.ts'
import {
  decodeParkedLine,
  describeError,
  encodeParkedLine,
  parkedItemOf,
  type ParkedItem,
  type ParkedLine,
} from './parked-line.ts'

/**
 * The parking file cannot be written. The write stays in the log and pending; after a failed sync nothing more
 * can be parked until the next start [P9].
 */
export class ParkingFailed extends StorageError {
  override readonly name = 'ParkingFailed'
  readonly code = 'SE_PARKING_FAILED'
}

export interface ParkingOptions {
  /** The log directory; exists and is held by this process. */
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly clock: Pick<Clock, 'nowMs'>
}

interface Parked {
  readonly number: number
  readonly item: ParkedItem
  /** Where its line stands in the file, without the newline. */
  readonly position: number
  readonly length: number
  isRetrying: boolean
}

/**
 * Writes that the archive can never take as they are, in a local file [W6]: not in the database that refused
 * them [P60]. A write is here, synced, before its log record is released, and stays until a caller retries or drops
 * it. Values stay in the file; only the list is in memory.
 *
 * Append-only: a retry or a drop is a line of its own. Opening writes the file anew with what is still parked.
 */
export class ParkingLot {
  readonly #options: ParkingOptions
  readonly #parked = new Map<number, Parked>()
  /** `undefined` until the first write is parked. */
  #handle: FileHandle | undefined
  #endPosition = 0
  #nextNumber = 1
  #failure: ParkingFailed | undefined
  /** Lines are written one after the other. */
  readonly #lines = new SerialQueue()

  private constructor(options: ParkingOptions) {
    this.#options = options
  }

  /**
   * Reads what is parked. A torn last line was never reported as parked, and is cut off.
   *
   * @throws CorruptData when a damaged line is followed by a whole one: then an operator has to look [P10]
   */
  static async open(options: ParkingOptions): Promise<ParkingLot> {
    const parking = new ParkingLot(options)
    const { fileSystem, directory } = options
    const path = `${directory}/${PARKED_FILE}`
    const content = await readFileIfAny(fileSystem, path)
    if (content === undefined) return parking
    const lines = readLines(content)
    if (lines.length === 0) {
      await fileSystem.remove(path)
      await fileSystem.syncDirectory(directory)
      return parking
    }
    // Written anew, not just kept: what reads as written may be what a failed sync never brought to the disk [P9].
    const whole = new Uint8Array(lines.reduce((sum, { bytes }) => sum + bytes.length + 1, 0))
    for (const { line, bytes } of lines) parking.#keep(line, whole, bytes)
    await writeFileAtomically(fileSystem, directory, PARKED_FILE, whole)
    parking.#handle = await fileSystem.open(path, 'write')
    return parking
  }

  /** How many writes are parked. */
  get count(): number {
    return this.#parked.size
  }

  /** What is parked, in the order in which it was. */
  list(): readonly ParkedItem[] {
    return Array.from(this.#parked.values(), ({ item }) => ({ ...item, stamp: copyOf(item.stamp) }))
  }

  /** The newest parked write of an id. */
  get(id: string): ParkedItem | undefined {
    return this.#of(id).at(-1)?.item
  }

  /**
   * Keeps a write. The same one again (the log replays) is kept once.
   *
   * @returns when it is synced: now its log record may be released
   * @throws ParkingFailed when it could not be
   */
  park(write: ItemWrite, because: ParkCause, error: unknown): Promise<void> {
    return this.#lines.run(async () => {
      // While a retry is under way its close line is still to come, and would close this one too.
      const isKnown = (each: Parked) => !each.isRetrying && equalStamps(each.item.stamp, write.stamp)
      if (this.#of(write.id).some(isKnown)) return
      const item = parkedItemOf(write, because, describeError(error), this.#options.clock.nowMs())
      const number = this.#nextNumber
      const written = await this.#append({ kind: 'park', number, item, write })
      this.#nextNumber += 1
      this.#parked.set(number, { number, item, ...written, isRetrying: false })
    })
  }

  /** Reads the newest parked write of an id back; `undefined`: none is parked. */
  read(id: string): Promise<ItemWrite | undefined> {
    return this.#lines.run(async () => {
      const newest = this.#of(id).at(-1)
      return newest === undefined ? undefined : this.#load(newest)
    })
  }

  /**
   * Submits the parked writes of an id again, oldest first, with their stamps. Each is closed once `submit` has
   * resolved: it is safe elsewhere then. If it is refused again meanwhile, it is parked anew.
   *
   * @param submit resolves when the write is acknowledged at level `log` or better
   * @returns how many were submitted; 0: none is parked
   * @throws what `submit` throws; the write stays parked
   */
  async retry(id: string, submit: (write: ItemWrite) => Promise<unknown>): Promise<number> {
    checkId(id)
    const found = this.#of(id).filter((each) => !each.isRetrying)
    let count = 0
    for (const parked of found) {
      if (parked.isRetrying || !this.#parked.has(parked.number)) continue
      parked.isRetrying = true
      try {
        await submit(await this.#lines.run(() => this.#load(parked)))
        await this.#close(parked, 'retried')
        count += 1
      } finally {
        parked.isRetrying = false
      }
    }
    return count
  }

  /**
   * Gives the parked writes of an id up for good.
   *
   * @returns how many there were
   */
  async drop(id: string): Promise<number> {
    checkId(id)
    const found = this.#of(id)
    for (const parked of found) await this.#close(parked, 'dropped')
    return found.length
  }

  /** Waits for what is being written. Nothing can be parked afterwards. */
  async close(): Promise<void> {
    await this.#lines.run(async () => {
      this.#failure ??= new ParkingFailed('the parking file is closed')
      const handle = this.#handle
      this.#handle = undefined
      await handle?.close()
    })
  }

  #of(id: string): Parked[] {
    return [...this.#parked.values()]
      .filter(({ item }) => item.id === id)
      .sort((a, b) => compareStamps(a.item.stamp, b.item.stamp))
  }

  #close(parked: Parked, how: 'retried' | 'dropped'): Promise<void> {
    return this.#lines.run(async () => {
      if (!this.#parked.has(parked.number)) return
      await this.#append({ kind: 'close', number: parked.number, how, atMs: this.#options.clock.nowMs() })
      this.#parked.delete(parked.number)
    })
  }

  /** Writes a line and syncs it. */
  async #append(line: ParkedLine): Promise<{ readonly position: number; readonly length: number }> {
    if (this.#failure !== undefined) throw this.#failure
    const bytes = encodeParkedLine(line)
    const position = this.#endPosition
    let handle: FileHandle
    try {
      handle = this.#handle ??= await this.#create()
      await writeFully(handle, bytes, position)
    } catch (cause) {
      // The next line is written over what this one left, and that is no line.
      throw new ParkingFailed('the parking file could not be written', { cause })
    }
    try {
      await handle.syncData()
    } catch (cause) {
      this.#failure = new ParkingFailed('the parking file could not be synced; restart to park again', {
        cause,
      })
      throw this.#failure
    }
    this.#endPosition += bytes.length
    return { position, length: bytes.length - 1 }
  }

  async #create(): Promise<FileHandle> {
    const { fileSystem, directory } = this.#options
    const handle = await fileSystem.open(`${directory}/${PARKED_FILE}`, 'create')
    try {
      await fileSystem.syncDirectory(directory)
    } catch (error) {
      await handle.close()
      await fileSystem.remove(`${directory}/${PARKED_FILE}`)
      throw error
    }
    return handle
  }

  async #load({ position, length, item }: Parked): Promise<ItemWrite> {
    const handle = this.#handle
    if (handle === undefined) throw this.#failure ?? new ParkingFailed('the parking file is closed')
    const bytes = new Uint8Array(length)
    if ((await readFully(handle, bytes, position)) < length) {
      throw new CorruptData(`${PARKED_FILE}: ends within a line`, { details: { position } })
    }
    const line = decodeParkedLine(new TextDecoder().decode(bytes))
    invariant(
      line.kind === 'park' && equalStamps(line.write.stamp, item.stamp),
      'a parked line stays as it is',
    )
    return line.write
  }

  /** Takes a line of the previous run over, into the file that is being written. */
  #keep({ number, item }: ParkLine, whole: Uint8Array, bytes: Uint8Array): void {
    const position = this.#endPosition
    whole.set(bytes, position)
    whole[position + bytes.length] = NEWLINE
    this.#endPosition += bytes.length + 1
    this.#parked.set(number, { number, item, position, length: bytes.length, isRetrying: false })
    this.#nextNumber = number + 1
  }
}

const NEWLINE = 0x0a

type ParkLine = ParkedLine & { readonly kind: 'park' }

interface ReadLine {
  readonly line: ParkLine
  /** Without the newline. */
  readonly bytes: Uint8Array
}

/**
 * The lines of what is still parked, in order.
 *
 * @throws CorruptData when a damaged line is followed by a whole one
 */
function readLines(content: Uint8Array): readonly ReadLine[] {
  const text = new TextDecoder()
  const lines = new Map<number, ReadLine>()
  let damage: { readonly line: number; readonly position: number; readonly cause: unknown } | undefined
  let lineNumber = 1
  for (let position = 0; position < content.length; lineNumber++) {
    const newline = content.indexOf(NEWLINE, position)
    const end = newline < 0 ? content.length : newline
    const bytes = content.subarray(position, end)
    try {
      // Without its newline a line may not have been written to its end.
      if (newline < 0) throw new CorruptData('parked line: ends without a newline')
      const line = decodeParkedLine(text.decode(bytes))
      if (damage !== undefined) break
      if (line.kind === 'close') lines.delete(line.number)
      else lines.set(line.number, { line, bytes })
    } catch (cause) {
      damage ??= { line: lineNumber, position, cause }
    }
    position = end + 1
    if (position >= content.length) return [...lines.values()]
  }
  if (damage === undefined) return []
  throw new CorruptData(`${PARKED_FILE}: line ${damage.line} is damaged, and whole lines follow it`, {
    cause: damage.cause,
    details: { line: damage.line, position: damage.position },
  })
}
