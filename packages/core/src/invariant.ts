import { StorageError } from './errors.ts'

/** A fact of the program did not hold: a bug, never weather. Stop using the object that threw it. */
export class InvariantViolation extends StorageError {
  override readonly name = 'InvariantViolation'
  readonly code = 'SE_INVARIANT'
}

/**
 * States a fact that must hold for any input. It stays on in production.
 *
 * @param condition the fact
 * @param fact the fact in words ("bucket count is a power of two")
 * @param details figures that help to find out why it did not hold; never values or credentials
 * @throws InvariantViolation when the fact does not hold
 */
export function invariant(
  condition: unknown,
  fact: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (condition) return
  throw new InvariantViolation(`invariant does not hold: ${fact}`, { details })
}
