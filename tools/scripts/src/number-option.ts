/**
 * A number given on the command line, or the default.
 *
 * @throws RangeError naming the option and its limits
 */
export function numberOption(
  name: string,
  text: string | undefined,
  fallback: number,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  if (text === undefined) return fallback
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= min && value <= max))
    throw new RangeError(`--${name}: must be a number from ${min} to ${max}, not '${text}'`)
  return value
}
