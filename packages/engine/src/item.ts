import { CONTENT_TYPE_JSON, InvalidInput, type Stamp, type StoredItem } from '@se/core'

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Marks a value that has not been asked for; `undefined` and `null` are no marks, since JSON has `null`. */
const UNPARSED = Symbol('unparsed')

/** An item as readers get it. Its bytes are shared with the memory tier: never write to them. */
export class Item implements StoredItem {
  readonly id: string
  readonly bytes: Uint8Array
  readonly stamp: Stamp
  readonly version: number | undefined
  readonly state: string
  readonly contentType: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
  #value: unknown = UNPARSED

  /** @param bytes the item's bytes, or a copy of them that the item may keep instead */
  constructor(item: StoredItem, bytes: Uint8Array = item.bytes) {
    this.id = item.id
    this.bytes = bytes
    this.stamp = item.stamp
    this.version = item.version
    this.state = item.state
    this.contentType = item.contentType
    this.createdAtMs = item.createdAtMs
    this.updatedAtMs = item.updatedAtMs
  }

  /**
   * The value of a JSON item, parsed on the first call and deep-frozen; of any other item its bytes.
   *
   * @throws InvalidInput when the content type says JSON and the bytes are not; `bytes` still has them
   */
  get value(): unknown {
    if (this.#value === UNPARSED) this.#value = isJson(this.contentType) ? parse(this.bytes) : this.bytes
    return this.#value
  }

  /** The same write once the archive has accepted it, with the value parsed so far. */
  accepted(version: number, createdAtMs: number): Item {
    const item = new Item({ ...fieldsOf(this), version, createdAtMs })
    item.#value = this.#value
    return item
  }
}

function fieldsOf({
  id,
  bytes,
  stamp,
  version,
  state,
  contentType,
  createdAtMs,
  updatedAtMs,
}: Item): StoredItem {
  return { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs }
}

function isJson(contentType: string): boolean {
  return contentType === CONTENT_TYPE_JSON || JSON_TYPE.test(contentType)
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
