/** npm run new -- package NAME: makes a package by the rules of the house, and names it wherever packages are named. */
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs'
import path from 'node:path'
import { endOnMistake, readCommandLine, type Program } from '@se/core/node'
import { WORKSPACE_MANIFEST } from './manifest.ts'
import { editsOf, filesOf, planPackage, type KnownProject, type NewPackage } from './new-package.ts'
import { packageBin, runNode, workspaceRoot } from './run-process.ts'

const program = {
  name: 'npm run new --',
  summary:
    'Makes a package that passes lint, types, tests and pack-check at once, and names it wherever packages are named: lint, the lock, the documents.',
  forms: ['package NAME [--about TEXT] [--sees NAMES]'],
  options: {
    about: { type: 'text', value: 'TEXT', default: 'Not described yet', meaning: 'One line: what it is.' },
    sees: { type: 'text', value: 'NAMES', default: 'core', meaning: 'The packages it imports: core,merkle' },
  },
  words: [{ name: 'KIND', oneOf: ['package'] }, { name: 'NAME' }],
} as const satisfies Program
const { values, words } = readCommandLine(program, WORKSPACE_MANIFEST)

interface Manifest {
  readonly nx?: { readonly name?: string; readonly tags?: readonly string[] }
  readonly version: string
}

function projectsOf(root: string): KnownProject[] {
  return globSync('{packages,apps,tools}/*/package.json', { cwd: root }).map((file) => {
    const { nx = {} } = JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Manifest
    const { name = path.basename(path.dirname(file)), tags = [] } = nx
    const layer = tags.flatMap((tag) => /^layer:(\d+)$/.exec(tag)?.[1] ?? [])[0]
    return {
      name,
      layer: layer === undefined ? undefined : Number(layer),
      isPackage: tags.includes('type:package'),
    }
  })
}

function make(root: string, made: NewPackage): void {
  const directory = path.join(root, 'packages', made.name)
  const edited = Object.entries(editsOf(made)).map(
    ([file, edit]) => [file, edit(readFileSync(path.join(root, file), 'utf8'))] as const,
  )
  for (const [file, text] of Object.entries(filesOf(made))) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true })
    writeFileSync(path.join(directory, file), text)
  }
  copyFileSync(path.join(root, 'LICENSE'), path.join(directory, 'LICENSE'))
  for (const [file, text] of edited) writeFileSync(path.join(root, file), text)
  const link = path.join(root, 'node_modules', '@se', made.name)
  if (!existsSync(link)) symlinkSync(path.join('..', '..', 'packages', made.name), link, 'junction')
}

try {
  const [, name] = words
  const { version } = JSON.parse(readFileSync(path.join(workspaceRoot, 'package.json'), 'utf8')) as Manifest
  const made = planPackage({ name: name!, ...values }, projectsOf(workspaceRoot), version)
  make(workspaceRoot, made)
  // Where a line breaks depends on the length of the name.
  const formatted = [`packages/${made.name}`, ...Object.keys(editsOf(made))]
  const { exitCode, output } = await runNode(
    packageBin('prettier'),
    ['--write', '--ignore-unknown', ...formatted],
    { quiet: true },
  )
  if (exitCode !== 0) throw new Error(`Prettier does not take what was made:\n${output}`)
  console.log(`packages/${made.name}: layer ${made.layer}, sees ${made.sees.join(', ')}

Next:
  npx vitest --root packages/${made.name}
  npm run check
then say in README.md, CHANGELOG.md and docs/ARCHITECTURE.md what it is for. The next npm command installs once more, as the lock has changed.`)
} catch (error) {
  endOnMistake(program, error)
}
