import { InvalidConfig } from './errors.ts'

/**
 * Helpers that read one configuration field each: a wrong value is refused with the name of the field, what
 * it may be, and what it was. An absent one takes the default.
 */

/** @param field path for the message, for example `flush.itemsMax` */
export function integer(
  field: string,
  value: number | undefined,
  limits: { default: number; min: number; max: number },
): number {
  if (value === undefined) return limits.default
  if (!Number.isInteger(value) || value < limits.min || value > limits.max) {
    throw new InvalidConfig(
      field,
      `must be an integer from ${limits.min} to ${limits.max}, not ${show(value)}`,
      {
        min: limits.min,
        max: limits.max,
      },
    )
  }
  return value
}

/** A number with fraction, limits included. */
export function number(
  field: string,
  value: number | undefined,
  limits: { default: number; min: number; max: number },
): number {
  if (value === undefined) return limits.default
  if (typeof value !== 'number' || !(value >= limits.min && value <= limits.max)) {
    throw new InvalidConfig(
      field,
      `must be a number from ${limits.min} to ${limits.max}, not ${show(value)}`,
      {
        min: limits.min,
        max: limits.max,
      },
    )
  }
  return value
}

export function boolean(field: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw new InvalidConfig(field, `must be true or false, not ${show(value)}`)
  return value
}

/** A non-empty string; required when there is no fallback. */
export function string(field: string, value: string | undefined, fallback?: string): string {
  const actual = value ?? fallback
  if (typeof actual !== 'string' || actual.length === 0) {
    throw new InvalidConfig(field, `must be a non-empty string, not ${show(actual)}`)
  }
  return actual
}

export function oneOf<const T extends string>(
  field: string,
  value: T | undefined,
  allowed: readonly T[],
  fallback: T,
): T {
  if (value === undefined) return fallback
  if (!allowed.includes(value)) {
    throw new InvalidConfig(field, `must be one of ${allowed.join(', ')}, not ${show(value)}`)
  }
  return value
}

/** Refuses fields that are not read: a typing error would otherwise silently leave the default in force. */
export function onlyFields(field: string, value: object, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) {
    throw new InvalidConfig(field === '' ? 'options' : field, `must be an object, not ${show(value)}`)
  }
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue
    throw new InvalidConfig(
      field === '' ? name : `${field}.${name}`,
      `is not a field; there are ${known.join(', ')}`,
    )
  }
}

/** A value in a message: its type for anything long, so that a secret in the wrong field is not printed. */
function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) {
    return String(value)
  }
  if (typeof value === 'object') return 'an object'
  return value === '' ? 'an empty one' : `a ${typeof value}`
}
