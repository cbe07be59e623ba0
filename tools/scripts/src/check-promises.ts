/**
 * Lists the promises (docs/INVARIANTS.md) and pitfalls (docs/PITFALLS.md) that no test title carries. That is information, not a failure; a number that does not exist is
 * one, because a test that claims it protects nothing.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { NUMBERED_DOCUMENTS, numbersIn, promisesInTitles } from './promises.ts'
import { workspaceRoot } from './run-process.ts'

const program = {
  name: 'node tools/bootstrap.mjs tools/scripts/src/check-promises.ts',
  summary: 'The promises and pitfalls that no test title carries; a number that does not exist is an error.',
  options: {},
} as const satisfies Program
readCommandLine(program, WORKSPACE_MANIFEST)

const promiseNumbers = NUMBERED_DOCUMENTS.flatMap((document) =>
  numbersIn(document, readFileSync(path.join(workspaceRoot, document), 'utf8')),
)
const files = globSync('{packages,apps,tools}/*/{src,test,torture}/**/*.{test,contract,torture,sim}.ts', {
  cwd: workspaceRoot,
}).concat(globSync('packages/core/src/testing/**/*.ts', { cwd: workspaceRoot }))

const carried = new Set<string>()
let unknown = 0
for (const file of files.toSorted()) {
  for (const number of promisesInTitles(readFileSync(path.join(workspaceRoot, file), 'utf8'))) {
    carried.add(number)
    if (promiseNumbers.includes(number)) continue
    unknown++
    console.error(`${file}: a title carries [${number}], which does not exist`)
  }
}
const missing = promiseNumbers.filter((number) => !carried.has(number))
console.log(
  missing.length === 0
    ? 'Every promise and pitfall has a test title.'
    : `Without a test title (${missing.length} of ${promiseNumbers.length}): ${missing.join(' ')}`,
)
process.exitCode = unknown > 0 ? 1 : 0
