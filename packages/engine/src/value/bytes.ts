import { isAnyArrayBuffer } from 'node:util/types'
import { InvalidInput } from '@se/core'

/**
 * The bytes of a value that is bytes: of a `Buffer`, a typed array or a `DataView` those it shows, of an `ArrayBuffer` or
 * `SharedArrayBuffer` all. They are still the caller's: copy them before anything is awaited [P75].
 *
 * @returns `undefined` for any other value
 * @throws InvalidInput when the bytes are gone: transferred to another thread, or cut off by a resize
 */
export function bytesOf(value: unknown): Uint8Array | undefined {
  try {
    if (ArrayBuffer.isView(value)) {
      if (value.byteLength === 0) mustBeThere(value)
      return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    }
    // With a length, or they would grow with their buffer.
    return isAnyArrayBuffer(value) ? new Uint8Array(value, 0, value.byteLength) : undefined
  } catch {
    throw new InvalidInput('value', 'is bytes that are gone: its buffer was transferred, or resized to less')
  }
}

/** A typed array says that it is empty also when its bytes are gone, but for the methods that look at them. */
function mustBeThere(view: ArrayBufferView): void {
  if (!(view instanceof DataView)) Uint8Array.prototype.includes.call(view as Uint8Array, 0)
}
