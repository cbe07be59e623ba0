import { Buffer } from 'node:buffer'
import { checkContentType, checkState, CONTENT_TYPE_BINARY, CONTENT_TYPE_JSON, InvalidInput } from '@se/core'
import type { SubmitCall } from '../call-options.ts'

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
export function admit(
  value: unknown,
  call: Pick<SubmitCall, 'state' | 'contentType'>,
  valueBytesMax: number,
): Admitted {
  const isBinary = value instanceof Uint8Array
  const { state, contentType = isBinary ? CONTENT_TYPE_BINARY : CONTENT_TYPE_JSON } = call
  checkState(state)
  checkContentType(contentType)
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
