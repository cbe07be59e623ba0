/** One record of an import file, its value exactly as it stands in the line. */
export interface NdjsonRecord {
  readonly id: string
  /** The JSON text of `value`, as written: no number is rounded and no key moved [P16]. */
  readonly valueText: string
}

/** Why a line is no record. */
export class MalformedLine extends Error {
  override readonly name = 'MalformedLine'
}

/**
 * Reads `{"id": …, "value": …}`; other members are ignored, of a repeated one the last counts, as in `JSON.parse`.
 *
 * The line is parsed by `JSON.parse` to know that it is JSON; then the text of the value is found in it by walking
 * its top-level members, because parsing and writing again would not give the same bytes.
 *
 * @throws MalformedLine in words for a person
 */
export function parseNdjsonLine(line: string): NdjsonRecord {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch (cause) {
    throw new MalformedLine(`is not JSON: ${(cause as Error).message}`)
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new MalformedLine('is not a JSON object')
  }
  const { id } = parsed as { id?: unknown }
  if (typeof id !== 'string') throw new MalformedLine('has no "id" that is a string')
  const valueText = memberText(line, 'value')
  if (valueText === undefined) throw new MalformedLine('has no "value"')
  return { id, valueText }
}

/** Text of a top-level member of a line that is known to be a JSON object. */
function memberText(line: string, name: string): string | undefined {
  let found: string | undefined
  let at = skipSpace(line, line.indexOf('{') + 1)
  while (line[at] !== '}') {
    const keyEnd = endOfString(line, at)
    const key = JSON.parse(line.slice(at, keyEnd)) as string
    const start = skipSpace(line, skipSpace(line, keyEnd) + 1)
    const end = endOfValue(line, start)
    if (key === name) found = line.slice(start, end)
    at = skipSpace(line, end)
    if (line[at] === ',') at = skipSpace(line, at + 1)
  }
  return found
}

function skipSpace(text: string, at: number): number {
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at++
  return at
}

/** @param at the opening quote @returns behind the closing one */
function endOfString(text: string, at: number): number {
  for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++
  return at + 1
}

function endOfValue(text: string, at: number): number {
  const first = text[at]
  if (first === '"') return endOfString(text, at)
  if (first !== '{' && first !== '[') {
    while (at < text.length && !',}] \t\n\r'.includes(text[at]!)) at++
    return at
  }
  let depth = 0
  do {
    const character = text[at]
    if (character === '"') {
      at = endOfString(text, at)
      continue
    }
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    at++
  } while (depth > 0)
  return at
}
