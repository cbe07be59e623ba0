import { CONTENT_TYPE_BINARY, CONTENT_TYPE_JSON, InvalidInput, StorageError } from '@se/core'
import { bytesOf } from './bytes.ts'
import { jsonText } from './json-text.ts'
import { nameOf, whyNotYet } from './losses.ts'

/**
 * How values that are no bytes are stored and read: JSON, if none is given. Both functions answer at once, and keep nothing
 * of what they are given.
 */
export interface Codec {
  /**
   * Of what `encode` gives, printable ASCII up to 127 bytes: `application/msgpack`. Items of this type are decoded by it,
   * also if it is a type of JSON.
   */
  readonly contentType: string
  /** What it gives is copied. It is not asked about bytes, and not about `undefined`. */
  encode(value: unknown): string | Uint8Array
  /** @param bytes a copy for this call alone */
  decode(bytes: Uint8Array): unknown
}

/** The codec threw, or gave something that is neither text nor bytes. Nothing was stored; an item's bytes can still be read. */
export class CodecFailed extends StorageError {
  override readonly name = 'CodecFailed'
  readonly code = 'SE_CODEC_FAILED'
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

export function isJson(contentType: string): boolean {
  return contentType === CONTENT_TYPE_JSON || JSON_TYPE.test(contentType)
}

/** Whether the codec is the one for items of this content type; parameters and case do not count. */
export function isOfCodec(codec: Codec | undefined, contentType: string): codec is Codec {
  return (
    codec !== undefined &&
    (contentType === codec.contentType || essence(contentType) === essence(codec.contentType))
  )
}

function essence(contentType: string): string {
  return contentType.split(';', 1)[0]!.trim().toLowerCase()
}

/** A value as it is to be stored: text, or bytes that may still be the caller's. */
export interface Encoded {
  readonly value: string | Uint8Array
  readonly contentType: string
}

/**
 * A value in the form in which it is stored. Bytes are stored as they are. The codec encodes anything else where the content type is
 * the codec's own, or none was given; without a codec it becomes JSON.
 *
 * @param contentType `undefined`: the one that suits the value
 * @param bytesMax a value of more members than this is refused before it becomes JSON; how long the result is, the caller checks
 * @throws InvalidInput, CodecFailed
 */
export function encodeValue(
  value: unknown,
  contentType: string | undefined,
  codec: Codec | undefined,
  bytesMax: number,
): Encoded {
  const bytes = bytesOf(value)
  if (bytes !== undefined) return { value: bytes, contentType: contentType ?? CONTENT_TYPE_BINARY }
  if (codec !== undefined && (contentType === undefined || isOfCodec(codec, contentType))) {
    return { value: encodeBy(codec, value), contentType: contentType ?? codec.contentType }
  }
  const type = contentType ?? CONTENT_TYPE_JSON
  if (!isJson(type)) {
    throw new InvalidInput(
      'value',
      `must be bytes for this content type, as readers get bytes: ${adviceFor(value)}`,
    )
  }
  return { value: jsonText(value, bytesMax), contentType: type }
}

function adviceFor(value: unknown): string {
  return typeof value === 'string'
    ? 'Buffer.from(text) gives those of a text'
    : 'only JSON types take other values'
}

function encodeBy(codec: Codec, value: unknown): string | Uint8Array {
  const why = value === undefined ? 'is undefined: store null, or delete the id' : whyNotYet(value)
  if (why !== undefined) throw new InvalidInput('value', `value ${why}`, { path: 'value' })
  const details = { contentType: codec.contentType }
  let encoded: unknown
  try {
    encoded = codec.encode(value)
  } catch (cause) {
    throw new CodecFailed('codec.encode threw', { cause, details })
  }
  // UTF-8 has no unpaired surrogates: they would be stored as other characters.
  if (typeof encoded === 'string' && !/\p{Surrogate}/u.test(encoded)) return encoded
  const bytes = bytesOf(encoded)
  if (bytes !== undefined) return bytes
  throw new CodecFailed(`codec.encode gave ${whatItGave(encoded)}, not text or bytes`, { details })
}

function whatItGave(encoded: unknown): string {
  if (typeof encoded === 'string') return 'text with unpaired surrogates'
  return typeof encoded === 'object' && encoded !== null ? nameOf(encoded) : String(encoded)
}

/**
 * The value that bytes stand for by their content type.
 *
 * @param bytes may be kept in the value: some decoders do
 * @throws CodecFailed
 */
export function decodeBy(codec: Codec, bytes: Uint8Array): unknown {
  const details = { contentType: codec.contentType }
  let value: unknown
  try {
    value = codec.decode(bytes)
  } catch (cause) {
    throw new CodecFailed('codec.decode threw', { cause, details })
  }
  // A reader would take it for the value, and JSON shows it as {}. A Blob or a stream may be what is meant.
  if (typeof (value as { then?: unknown } | null | undefined)?.then === 'function') {
    throw new CodecFailed('codec.decode gave a Promise: it has to answer at once', { details })
  }
  return value
}
