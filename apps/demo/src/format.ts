/** A duration for people: three digits and a unit. @param ms milliseconds, at least 0 */
export function formatDuration(ms: number): string {
  if (ms < 0.9995) return `${significant(ms * 1_000)} µs`
  if (ms < 999.5) return `${significant(ms)} ms`
  return `${(ms / 1_000).toFixed(ms < 9_995 ? 2 : 1)} s`
}

/** A size for people. @param bytes at least 0 */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = bytes
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit++
  }
  return unit === 0 ? `${bytes} bytes` : `${value.toFixed(1)} ${units[unit]!}`
}

/** Digits in groups of three: `14,547`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `1 batch`, `23 batches`. */
export function formatCounted(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Items per second, rounded; of nothing and of no time it is 0. */
export function formatRate(items: number, ms: number): string {
  return `${formatCount(ms > 0 ? (items / ms) * 1_000 : 0)} items/s`
}

/** `startMs` as `start ms`: names of figures as they come from the engine. */
export function formatName(name: string): string {
  return name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  )
}

/** Figures of a step in one line: `records 0, bytes 0`. */
export function formatFigures(figures: Readonly<Record<string, unknown>>): string {
  return Object.entries(figures)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(
      ([name, value]) =>
        `${formatName(name)} ${typeof value === 'number' ? formatCount(value) : String(value)}`,
    )
    .join(', ')
}

/** An argument as a POSIX shell takes it. */
export function shellQuoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  if (text.includes("'") && !/["$`\\!]/.test(text)) return `"${text}"`
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A text as a literal of SQL in standard quotes; for people to paste, never to run a statement. */
export function sqlQuoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Three significant digits, without an exponent. */
function significant(value: number): string {
  if (value >= 99.95) return value.toFixed(0)
  return value.toFixed(value >= 9.995 ? 1 : 2)
}
