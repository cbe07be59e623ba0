/**
 * What objects show of themselves. In JSON, figures are figures, 64-bit sums and instants are text, bytes have a length and base64;
 * on the console an object shows the same fields under its class' name, and nothing of its private state.
 */

/** By its registered name, so that no module of Node is needed for it. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** How `console.log` shows a value; Node gives it to the methods called {@link INSPECT}. */
export type Inspector = (value: unknown, options: object) => string

/**
 * For the method {@link INSPECT} of a class: its fields under its name.
 *
 * @param depth how many levels are still to be shown; `null`: all
 */
export function inspectAs(
  name: string,
  fields: object,
  depth: number | null,
  options: object,
  inspector: Inspector,
): string {
  if (depth !== null && depth < 0) return `[${name}]`
  return `${name} ${inspector(fields, { ...options, depth })}`
}

/** Bytes as JSON shows them. */
export interface ShownBytes {
  readonly length: number
  readonly base64: string
}

export function showBytes(bytes: Uint8Array): ShownBytes {
  let text = ''
  // In pieces, because a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096))
  }
  return { length: bytes.length, base64: btoa(text) }
}

/**
 * A value in which `JSON.stringify` loses nothing: a Map becomes a record, a Set a list, a bigint its decimal digits, bytes what
 * {@link showBytes} makes of them, an Error its name and message.
 */
export function toPlain(value: unknown, levels = 8): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return showBytes(value)
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return (value as { toJSON(): unknown }).toJSON()
  if (levels === 0) return '…'
  const inner = (each: unknown): unknown => toPlain(each, levels - 1)
  if (value instanceof Error) return { name: value.name, message: value.message }
  if (Array.isArray(value)) return value.map(inner)
  if (value instanceof Set) return [...value].map(inner)
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(entries.map(([name, each]) => [String(name), inner(each)]))
}
