/**
 * Goal: what the documents say can be done, can be done; what they point to, is there.
 * Method: every TypeScript block of a README is run as a program of its own, every command of a shell block of the first page is
 * run (but `npm test`, which is what runs this), every relative link and every file named by its path is looked for.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const readmes = globSync('{README.md,packages/*/README.md,apps/*/README.md}', { cwd: root }).toSorted()
const documents = [
  ...readmes,
  ...globSync('{CONTRIBUTING.md,CHANGELOG.md,SECURITY.md,docs/**/*.md}', { cwd: root }).toSorted(),
]

interface Block {
  /** The words behind the fence: `ts`, `ts no-run`. */
  readonly kind: string
  readonly text: string
  readonly line: number
}

function blocksOf(file: string): Block[] {
  const blocks: Block[] = []
  let open: { kind: string; line: number; lines: string[] } | undefined
  for (const [index, line] of readFileSync(path.join(root, file), 'utf8').split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { kind: fence[1]!.trim(), line: index + 1, lines: [] }
    else {
      blocks.push({ kind: open.kind, line: open.line, text: open.lines.join('\n') })
      open = undefined
    }
  }
  return blocks
}

// Inside the workspace, so that package names resolve; not below node_modules, where Node runs no TypeScript.
const scratch = path.join(root, 'tools/system-tests/.tmp')
mkdirSync(scratch, { recursive: true })
const directory = mkdtempSync(path.join(scratch, 'documents-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

interface Outcome {
  readonly exitCode: number
  readonly output: string
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: 120_000, maxBuffer: 64 * 2 ** 20 },
      (error, stdout, stderr) => {
        // A program that was killed has no code.
        const failure = typeof error?.code === 'number' ? error.code : 1
        resolve({ exitCode: error === null ? 0 : failure, output: `${stdout}${stderr}` })
      },
    )
  })
}

describe('code blocks', () => {
  // Packages that compare what their blocks print with what the comments say do it in a test of their own.
  const unchecked = readmes.filter(
    (file) => !existsSync(path.join(root, path.dirname(file), 'test/readme.test.ts')),
  )
  for (const file of unchecked) {
    // `ts no-run`: a fragment that needs what the reader has.
    const runnable = blocksOf(file).filter(({ kind }) => kind === 'ts' || kind === 'js')
    for (const { kind, text, line } of runnable) {
      it(`${file}, line ${line}, runs`, { timeout: 120_000 }, async () => {
        const place = mkdtempSync(path.join(directory, 'block-'))
        const program = path.join(place, `block.${kind === 'ts' ? 'mts' : 'mjs'}`)
        writeFileSync(program, text)
        const outcome = await run(process.execPath, ['--conditions=@se/source', program], place)
        expect(outcome, outcome.output).toMatchObject({ exitCode: 0 })
      })
    }
  }

  it('of the first page prints what it says', async () => {
    const block = blocksOf('README.md').find(({ kind }) => kind === 'ts')
    const program = path.join(directory, 'first.mts')
    writeFileSync(program, block!.text)
    const { output } = await run(process.execPath, ['--conditions=@se/source', program], directory)
    expect(output.trim().split('\n')).toEqual(["{ name: 'Alice' }", 'absent', 'true'])
  })

  it('of all kinds are named, and a fragment that is not run says so', () => {
    const kinds = new Set(readmes.flatMap((file) => blocksOf(file).map(({ kind }) => kind)))
    expect([...kinds].filter((kind) => !['ts', 'js', 'ts no-run', 'sh', 'text', ''].includes(kind))).toEqual(
      [],
    )
  })
})

describe('commands', () => {
  const commands = blocksOf('README.md')
    .filter(({ kind }) => kind === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line !== '')

  it('are the two of the first page', () => expect(commands).toEqual(['npm run demo', 'npm test']))

  for (const command of commands.filter((line) => line !== 'npm test')) {
    it(`${command} exits 0`, { timeout: 120_000 }, async () => {
      const [program, ...args] = command.split(' ')
      const outcome = await run(program!, args, root)
      expect(outcome, outcome.output).toMatchObject({ exitCode: 0 })
    })
  }

  it('that a document mentions exist in package.json', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const unknown = documents.flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/npm run (?:-s )?([\w-]+)/g)]
        .filter((match) => scripts[match[1]!] === undefined)
        .map((match) => `${file}: ${match[0]}`),
    )
    expect(unknown).toEqual([])
  })
})

describe('what documents point to', () => {
  it('is there: relative links', () => {
    const broken = documents.flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .filter((match) => !existsSync(path.join(root, path.dirname(file), match[1]!)))
        .map((match) => `${file}: ${match[1]}`),
    )
    expect(broken).toEqual([])
  })

  it('is there: files named in code quotes', () => {
    const missing = ['docs/INVARIANTS.md', 'docs/ARCHITECTURE.md'].flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/`([\w@.-]+(?:\/[\w@.-]+)+)`/g)]
        .map((match) => match[1]!)
        .filter((name) => !name.startsWith('@'))
        .filter(
          (name) =>
            !['', 'packages/', 'packages/engine/src/'].some((base) =>
              existsSync(path.join(root, base, name)),
            ),
        )
        .map((name) => `${file}: ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('is there: files named by their whole path, in every document and every comment', () => {
    const tracked = execFileSync('git', ['ls-files', '*.md', '*.ts', '*.mjs'], {
      cwd: root,
      encoding: 'utf8',
    })
    const files = tracked.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)))
    const missing = files.flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      // In code a path may be one that a test makes up; what a comment says is meant.
      const said = file.endsWith('.md') ? text : (text.match(/\/\*\*?[\s\S]*?\*\/|\/\/.*/g) ?? []).join('\n')
      return [...said.matchAll(/\b((?:packages|apps|tools|docs)\/[\w./-]+\.(?:ts|md|mjs|json))\b/g)]
        .map((match) => match[1]!)
        .filter((name) => !existsSync(path.join(root, name)))
        .map((name) => `${file}: ${name}`)
    })
    expect(missing).toEqual([])
  })

  it('is in the project: no file points at a text outside it', () => {
    const tracked = execFileSync('git', ['ls-files', '*.md', '*.ts', '*.mjs', '*.json', '.ci'], {
      cwd: root,
      encoding: 'utf8',
    })
    // Put together here, so that this file does not point there itself.
    const outside = new RegExp(
      ['FIELD-CASES', 'HOUSE-[A-Z]', '\\bSTACK\\b', '\\bDESIGN\\b', '\\bissue #?\\d', '§ ?\\d'].join('|'),
    )
    const pointing = tracked
      .split('\n')
      .filter((file) => file !== '' && file !== 'package-lock.json' && existsSync(path.join(root, file)))
      .filter((file) => file !== 'tools/system-tests/src/documents.test.ts')
      .filter((file) => outside.test(readFileSync(path.join(root, file), 'utf8')))
    expect(pointing).toEqual([])
  })
})
