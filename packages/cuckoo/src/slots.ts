import { OutOfMemory } from './errors.ts'

/**
 * Memory for slots, all empty.
 *
 * @param length elements
 * @throws OutOfMemory when the platform refuses
 */
export function newSlots<Slots extends Int32Array | Uint16Array>(
  kind: { new (length: number): Slots; readonly BYTES_PER_ELEMENT: number },
  length: number,
): Slots {
  try {
    return new kind(length)
  } catch (cause) {
    const bytes = length * kind.BYTES_PER_ELEMENT
    throw new OutOfMemory(`no memory for ${bytes} bytes of slots`, { cause, details: { bytes } })
  }
}
