import { InvalidConfig } from '@se/core'

/** What a program takes from its environment: name → meaning, for its help. */
export type VariableTable = Readonly<Record<string, string>>

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The variables that say where the tiers are. Every app has them; an app may have more. */
export const TIER_VARIABLES = {
  SE_DATA_DIR: 'log, instance, filter snapshot and the SQLite file',
  SE_SQL_URL: 'mysql://… or mariadb://…: the archive; default SQLite in the data directory',
  SE_REDIS_URL: 'redis://… or rediss://…: the cache',
  SE_REDIS_PREFIX: 'before every key in Redis',
} as const satisfies VariableTable

/** Variables of the tests: they may be set while a program runs, and no program reads them. */
const OF_TESTS = /^SE_(TEST_|SEED$|REQUIRE_|NO_|HISTORY$)/

/** The value of a variable; empty is unset, as in many deployment files. */
export function readVariable(environment: Environment, name: string): string | undefined {
  return environment[name] || undefined
}

/**
 * Refuses unknown variables that begin with `SE_`: after a typing error the default would be in force without a word [P77].
 *
 * @throws InvalidConfig naming the variable, never its value
 */
export function checkVariables(environment: Environment, known: VariableTable): void {
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('SE_') || OF_TESTS.test(name) || Object.hasOwn(known, name)) continue
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
