import { InvalidInput } from '@se/core'

/** @throws InvalidInput for anything but a plain object, naming where it should stand */
export function objectAt(path: string, given: unknown): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>
  throw new InvalidInput(path, 'must be an object')
}
