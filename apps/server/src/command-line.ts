import { InvalidConfig } from '@se/core'

/** What a program takes from its environment, for its help. */
export type VariableTable = Readonly<Record<string, string>>

/**
 * Refuses variables of ours that nobody reads: with a typing error the default would be in force without a word [P77].
 *
 * @throws InvalidConfig naming the variable, never its value
 */
export function checkVariables(
  environment: Readonly<Record<string, string | undefined>>,
  known: VariableTable,
): void {
  for (const name of Object.keys(environment)) {
    if (
      !name.startsWith('SE_') ||
      /^SE_(TEST_|SEED$|REQUIRE_|NO_|HISTORY$)/.test(name) ||
      Object.hasOwn(known, name)
    )
      continue
    const near = nearest(name, Object.keys(known))
    const hint = near === undefined ? '' : `did you mean ${near}? `
    throw new InvalidConfig(
      name,
      `is not a variable of this program; ${hint}there are ${Object.keys(known).join(', ')}`,
    )
  }
}

/** The name that a typing error was meant to be; `undefined`: none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let found: string | undefined
  let least = Math.max(3, Math.floor(name.length / 3)) + 1
  for (const each of known) {
    const distance = editDistance(name, each)
    if (distance < least) [found, least] = [each, distance]
  }
  return found
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
