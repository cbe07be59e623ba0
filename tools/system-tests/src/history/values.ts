/** Largest padding of a value, characters. */
const PAD_MAX = 1_500

/** The value that is stored for a key. All of it follows from the key, so that a reader can tell whose bytes it got. */
export function valueOf(key: string): { readonly key: string; readonly pad: string } {
  let sum = 0
  for (const character of key) sum = (sum * 31 + character.charCodeAt(0)) >>> 0
  return { key, pad: key.repeat(1 + (sum % Math.ceil(PAD_MAX / key.length))) }
}

/** The key of a value that was read; `undefined`: it is not, in all its bytes, what {@link valueOf} gives. */
export function keyOf(value: unknown): string | undefined {
  const key = (value as { key?: unknown } | null)?.key
  if (typeof key !== 'string') return undefined
  return JSON.stringify(value) === JSON.stringify(valueOf(key)) ? key : undefined
}
