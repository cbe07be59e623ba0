import { InvalidInput, type Stamp, type StoredItem } from '@se/core'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Marks a value that has not been asked for; `undefined` and `null` are no marks, since JSON has `null`. */
const UNPARSED = Symbol('unparsed')

/**
 * An item inside the engine: what memory keeps, and what readers' items are made of. Its bytes may be those of a write that
 * is still pending, or of an answer on its way into the cache: they never leave the engine [W11].
 */
export class KeptItem implements StoredItem {
  readonly id: string
  readonly stamp: Stamp
  readonly version: number | undefined
  readonly state: string
  readonly contentType: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
  bytes: Uint8Array
  /** Whether nothing but this item holds the bytes. */
  #isOwn: boolean
  #json: unknown = UNPARSED

  /** @param ownBytes a copy of the item's bytes that nothing else holds */
  constructor(item: StoredItem, ownBytes?: Uint8Array) {
    this.id = item.id
    // Readers get this very object.
    this.stamp = Object.freeze(item.stamp)
    this.version = item.version
    this.state = item.state
    this.contentType = item.contentType
    this.createdAtMs = item.createdAtMs
    this.updatedAtMs = item.updatedAtMs
    this.bytes = ownBytes ?? item.bytes
    this.#isOwn = ownBytes !== undefined
  }

  /**
   * Bytes for all readers who ask for shared ones. One of them may write to them by mistake, so from the first time on they
   * are a copy beside what is stored.
   */
  sharedBytes(): Uint8Array {
    if (!this.#isOwn) {
      this.bytes = new Uint8Array(this.bytes)
      this.#isOwn = true
    }
    return this.bytes
  }

  /**
   * The bytes as JSON: parsed on the first call, and frozen at every depth, as all readers share it.
   *
   * @throws InvalidInput when they are not JSON
   */
  json(): unknown {
    if (this.#json === UNPARSED) this.#json = parse(this.bytes)
    return this.#json
  }

  /** The same write once the archive has accepted it, with the value parsed so far. */
  accepted(version: number, createdAtMs: number): KeptItem {
    const { id, bytes, stamp, state, contentType, updatedAtMs } = this
    const item = new KeptItem({
      id,
      bytes,
      stamp,
      version,
      state,
      contentType,
      createdAtMs,
      updatedAtMs,
    })
    item.#isOwn = this.#isOwn
    item.#json = this.#json
    return item
  }
}

function parse(bytes: Uint8Array): unknown {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    // The cause quotes the text, which may be anything: it stays out of the message.
    throw new InvalidInput('contentType', 'says JSON, but the bytes are not JSON', {
      bytes: bytes.length,
      cause: (cause as Error).name,
    })
  }
  return deepFreeze(value)
}

/** With a list, not by recursion: JSON may be nested deeper than the stack. */
function deepFreeze(value: unknown): unknown {
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    Object.freeze(next)
    for (const member of Object.values(next))
      if (typeof member === 'object' && member !== null) open.push(member)
  }
  return value
}
