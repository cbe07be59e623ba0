import ts from 'typescript'

/** The promises of docs/INVARIANTS.md and the pitfalls tests are written against: letter and highest number. */
const SERIES = { W: 8, R: 7, P: 65 } as const

export const promiseNumbers: readonly string[] = Object.entries(SERIES).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
)

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
