import { InvalidInput } from '@se/core'

/** @throws InvalidInput naming the field, unless it is a sequence in the range */
export function checkSequence(field: string, sequence: number, min: number, max: number): void {
  if (Number.isInteger(sequence) && sequence >= min && sequence <= max) return
  throw new InvalidInput(field, `must be a sequence from ${min} to ${max}, not ${String(sequence)}`, {
    min,
    max,
  })
}
