import {
  formatStamp,
  INSPECT,
  inspectAs,
  showBytes,
  stampMs,
  type Inspector,
  type ItemWrite,
  type Stamp,
  type StoredItem,
} from '@se/core'
import type { BytesOwnership } from './call-options.ts'
import type { KeptItem } from './kept-item.ts'
import { decodeBy, isJson, isOfCodec, type Codec } from './value/codec.ts'

/** Marks a value that has not been asked for. */
const UNDECODED = Symbol('undecoded')

/** An item as one reader gets it: what the reader does to it reaches no other reader. */
export class Item implements StoredItem {
  readonly id: string
  /** Frozen, as all readers share it. */
  readonly stamp: Stamp
  /** How many writes the archive has accepted for the id, this one included; `undefined` while it is pending. */
  readonly version: number | undefined
  readonly state: string
  readonly contentType: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly #kept: KeptItem
  readonly #codec: Codec | undefined
  #bytes: Uint8Array | undefined
  #value: unknown = UNDECODED

  /** @internal */
  constructor(kept: KeptItem, ownership: BytesOwnership, codec: Codec | undefined) {
    this.id = kept.id
    this.stamp = kept.stamp
    this.version = kept.version
    this.state = kept.state
    this.contentType = kept.contentType
    this.createdAtMs = kept.createdAtMs
    this.updatedAtMs = kept.updatedAtMs
    this.#kept = kept
    this.#codec = codec
    if (ownership === 'shared') this.#bytes = kept.sharedBytes()
  }

  /** As submitted. Copied when first asked for; with `{ bytes: 'shared' }` memory's own, which no caller may write to. */
  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(this.#kept.bytes)
    return this.#bytes
  }

  /**
   * What the bytes stand for by the content type: the codec's value if it is the codec's, a deep-frozen value that all
   * readers share if it is JSON, else the bytes.
   *
   * @throws InvalidInput when the content type says JSON and the bytes are not; CodecFailed. `bytes` still has them
   */
  get value(): unknown {
    if (this.#value === UNDECODED) this.#value = this.#decode()
    return this.#value
  }

  #decode(): unknown {
    // A decoder may keep parts of what it is given in the value.
    if (isOfCodec(this.#codec, this.contentType))
      return decodeBy(this.#codec, new Uint8Array(this.#kept.bytes))
    return isJson(this.contentType) ? this.#kept.json() : this.bytes
  }

  /**
   * Every field; the stamp as text, as ETags have it. Of an item of JSON its `value`, of any other its `bytes` as
   * `{ length, base64 }`: a codec's value may be something that JSON loses.
   */
  toJSON(): Record<string, unknown> {
    const { bytes } = this.#kept
    const value = isOfCodec(this.#codec, this.contentType) ? undefined : this.#readable()
    return this.#fields(value ?? { bytes: showBytes(bytes) })
  }

  /** What `console.log` shows: every field, with the value or, where there is none, the bytes. */
  [INSPECT](depth: number | null, options: object, inspector: Inspector): string {
    const fields = this.#fields(this.#readable() ?? { bytes: this.bytes })
    return inspectAs('Item', fields, depth, options, inspector)
  }

  #fields(contents: object): Record<string, unknown> {
    const { id, stamp, version, state, contentType, createdAtMs, updatedAtMs } = this
    return {
      id,
      ...contents,
      stamp: formatStamp(stamp),
      version,
      state,
      contentType,
      createdAtMs,
      updatedAtMs,
    }
  }

  /** The value where it is more than the bytes, and can be read. */
  #readable(): { readonly value: unknown } | undefined {
    try {
      const { value } = this
      return value === this.#bytes ? undefined : { value }
    } catch {
      return undefined
    }
  }
}

/** A write as readers see it before the archive has it: no version, created now. */
export function itemOf(
  write: ItemWrite & { readonly bytes: Uint8Array },
  accepted?: { readonly version: number; readonly createdAtMs: number },
): StoredItem {
  const updatedAtMs = stampMs(write.stamp)
  return {
    id: write.id,
    bytes: write.bytes,
    stamp: write.stamp,
    version: accepted?.version,
    state: write.state,
    contentType: write.contentType,
    createdAtMs: accepted?.createdAtMs ?? updatedAtMs,
    updatedAtMs,
  }
}
