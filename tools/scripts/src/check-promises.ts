/**
 * Each promise (docs/INVARIANTS.md) and pitfall (docs/PITFALLS.md) is carried by a test title. A number that does not exist is an error
 * too, because a test that claims it protects nothing; and so is a title that begins with its tag.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { NUMBERED_DOCUMENTS, numbersIn, promisesInTitles, tagsAtTheFront, uncarried } from './promises.ts'
import { workspaceRoot } from './run-process.ts'

const program = {
  name: 'node tools/bootstrap.mjs tools/scripts/src/check-promises.ts',
  summary:
    'The promises and pitfalls that no test title carries; each is an error, and so are a number that does not exist and a tag before its sentence.',
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
let misplaced = 0
for (const file of files.toSorted()) {
  const source = readFileSync(path.join(workspaceRoot, file), 'utf8')
  for (const title of tagsAtTheFront(source)) {
    misplaced++
    console.error(`${file}: the tags stand at the end of a title, not before it: ${title}`)
  }
  for (const number of promisesInTitles(source)) {
    carried.add(number)
    if (promiseNumbers.includes(number)) continue
    unknown++
    console.error(`${file}: a title carries [${number}], which does not exist`)
  }
}
const untested = uncarried(promiseNumbers, carried)
for (const number of untested) console.error(`no test title carries [${number}]`)
console.log(`${carried.size} of ${promiseNumbers.length} promises and pitfalls have a test title.`)
process.exitCode = unknown > 0 || misplaced > 0 || untested.length > 0 ? 1 : 0
