import { Buffer } from 'node:buffer'
import {
  checkContentType,
  checkState,
  CONTENT_TYPE_BINARY,
  CONTENT_TYPE_JSON,
  InvalidInput,
  STATE_DEFAULT,
} from '@se/core'

import type { Level } from '../config.ts'

export interface SubmitOptions {
  /** What the acknowledgement is worth: `memory`, `log` (default) or `archive`. */
  readonly level?: Level
  /** Free tag, 0 to 64 bytes of UTF-8, indexed in the archive. Default `default`. */
  readonly state?: string
  /** Printable ASCII, 0 to 127 bytes. Default `application/json`, or `application/octet-stream` for bytes. */
  readonly contentType?: string
}

/** What a caller submitted, checked and ready to be stamped. */
export interface Admitted {
  /** JSON text, or the caller's bytes (not yet copied). */
  readonly value: string | Uint8Array
  readonly valueBytes: number
  readonly state: string
  readonly contentType: string
}

/**
 * Checks a submission before anything happens. A `Uint8Array` is stored as it is; anything else as the text
 * that `JSON.stringify` gives, which is what every tier returns byte for byte [R7].
 *
 * @throws InvalidInput naming the field and the limit
 */
export function admit(value: unknown, options: SubmitOptions, valueBytesMax: number): Admitted {
  const isBinary = value instanceof Uint8Array
  const state = options.state ?? STATE_DEFAULT
  const contentType = options.contentType ?? (isBinary ? CONTENT_TYPE_BINARY : CONTENT_TYPE_JSON)
  if (options.state !== undefined) checkState(state)
  if (options.contentType !== undefined) checkContentType(contentType)
  const stored = isBinary ? value : toJson(value)
  const valueBytes = typeof stored === 'string' ? Buffer.byteLength(stored) : stored.length
  if (valueBytes > valueBytesMax) {
    throw new InvalidInput('value', `has ${valueBytes} bytes, the limit is ${valueBytesMax}`, {
      limit: valueBytesMax,
      actual: valueBytes,
    })
  }
  return { value: stored, valueBytes, state, contentType }
}

function toJson(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new InvalidInput('value', 'cannot be written as JSON (a cycle, or a BigInt)', {
      cause: (cause as Error).name,
    })
  }
  if (text === undefined) throw new InvalidInput('value', `of type ${typeof value} has no JSON form`)
  return text
}
