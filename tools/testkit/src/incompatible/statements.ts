/** What a statement is, told from its text. Pure. */

/** What a statement does to the transaction it stands in. `schema` commits it. */
export type StatementKind = 'begin' | 'commit' | 'rollback' | 'write' | 'schema' | 'other'

/** Where a string or a comment begins, and what ends it. A pattern over the whole of it could not take a string of some MiB. */
const BEGINNINGS = /['"#]|\/\*|--\s/g
const ENDS: Readonly<Record<string, RegExp>> = {
  "'": /\\|'/g,
  '"': /\\|"/g,
  '/*': /\*\//g,
  '#': /\n/g,
  '--': /\n/g,
}

/** In capitals, with single blanks, strings empty, no comments, no backquotes: what rules are written for. */
export function plainForm(text: string): string {
  let plain = ''
  let at = 0
  for (;;) {
    BEGINNINGS.lastIndex = at
    const begin = BEGINNINGS.exec(text)
    if (begin === null) break
    const mark = begin[0].trim()
    plain += text.slice(at, begin.index) + (mark === "'" || mark === '"' ? "''" : ' ')
    at = endOf(text, BEGINNINGS.lastIndex, mark)
  }
  return (plain + text.slice(at))
    .replaceAll('`', '')
    .replace(/[\s;]+/g, ' ')
    .trim()
    .toUpperCase()
}

/** Behind a string or comment whose inside begins at `from`. */
function endOf(text: string, from: number, mark: string): number {
  const end = ENDS[mark]!
  end.lastIndex = from
  for (let found = end.exec(text); found !== null; found = end.exec(text)) {
    if (found[0] === '\\') end.lastIndex += 1
    // A quote that is doubled belongs to the string.
    else if (found[0] === mark && text[end.lastIndex] === mark) end.lastIndex += 1
    else return end.lastIndex
  }
  return text.length
}

const KINDS: readonly (readonly [RegExp, StatementKind])[] = [
  [/^(?:BEGIN|START TRANSACTION)\b/, 'begin'],
  [/^COMMIT\b/, 'commit'],
  [/^ROLLBACK\b(?!.* TO )/, 'rollback'],
  [/^(?:INSERT|UPDATE|DELETE|REPLACE)\b/, 'write'],
  [/^(?:CREATE|ALTER|DROP|TRUNCATE|RENAME)\b/, 'schema'],
]

/** @param plain of {@link plainForm} */
export function kindOf(plain: string): StatementKind {
  return KINDS.find(([pattern]) => pattern.test(plain))?.[1] ?? 'other'
}
