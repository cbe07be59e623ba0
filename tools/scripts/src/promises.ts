import ts from 'typescript'

/** Where the numbers are written down: the rows of the promises, and the list of the pitfalls. */
const NUMBERED = {
  'docs/INVARIANTS.md': /^\| ([WR]\d+) +\|/gm,
  'docs/PITFALLS.md': /^- \*\*(P\d+)\*\* /gm,
} as const

export type NumberedDocument = keyof typeof NUMBERED
export const NUMBERED_DOCUMENTS = Object.keys(NUMBERED) as readonly NumberedDocument[]

/**
 * The promises and pitfalls of a document, in its order.
 *
 * @throws Error when a letter's numbers do not go on from 1 by one: one is missing, or stands twice
 */
export function numbersIn(document: NumberedDocument, text: string): string[] {
  const numbers = [...text.matchAll(NUMBERED[document])].map(([, number]) => number!)
  if (numbers.length === 0) throw new Error(`${document}: has no numbers`)
  const next = new Map<string, number>()
  for (const number of numbers) {
    const letter = number[0]!
    const expected = next.get(letter) ?? 1
    if (number !== `${letter}${expected}`) {
      throw new Error(`${document}: ${number} stands where ${letter}${expected} should`)
    }
    next.set(letter, expected + 1)
  }
  return numbers
}

/** The numbers that no title carries: nothing would notice that they do not hold. */
export function uncarried(numbers: readonly string[], carried: ReadonlySet<string>): string[] {
  return numbers.filter((number) => !carried.has(number))
}

/** `[W3]`, `[P12, P13]`. */
const TAG = /\[((?:[WRP]\d+)(?:,\s*[WRP]\d+)*)\]/g

/** The numbers that titles in this source carry: a title is a text passed to a call, such as `it` or `describe.each(…)`. */
export function promisesInTitles(source: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      for (const argument of node.arguments) {
        if (ts.isStringLiteralLike(argument) || ts.isTemplateExpression(argument)) {
          for (const [, numbers] of argument.getText().matchAll(TAG)) found.push(...numbers!.split(/,\s*/))
        }
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('titles.ts', source, ts.ScriptTarget.Latest, true))
  return found
}

/** Texts of a test file that begin with a tag: the sentence comes first, so that titles are read and sorted by what they say. */
export function tagsAtTheFront(source: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const text = node.getText().slice(1, -1)
      if (/^\[[WRP]\d+[^\]]*\]\s*\S/.test(text)) found.push(text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('titles.ts', source, ts.ScriptTarget.Latest, true))
  return found
}
