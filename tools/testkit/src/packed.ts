/**
 * A package as a stranger gets it: installed from its tarball in an empty folder, without a network.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

const root = fileURLToPath(new URL('../../..', import.meta.url))
/** What a package is built and packed from. */
const PARTS = ['src', 'package.json', 'README.md', 'LICENSE', 'tsup.config.ts', 'tsconfig.build.json']

/** What a browser does not have, also as the stub that a bundler puts in its place; a bundle for one must not match. */
export const NODE_TRACES = /node:|require\(|process\.|\bBuffer\b/

/** A folder with nothing in it but a package and what that depends on. */
export interface Stranger {
  /** Names of the packages installed, in order. */
  readonly installed: readonly string[]
  /** Names that classes of ours have only because of the build: `_Log`. */
  readonly misnamedClasses: readonly string[]
  /**
   * Runs a module in Node.
   *
   * @returns what it printed
   * @throws Error with what it printed, when it does not end with 0
   */
  run(source: string): string
  /**
   * Checks TypeScript as a strict caller's, who has neither Node's types nor a browser's.
   *
   * @returns the compiler's complaints; `''` when there are none
   */
  typeCheck(source: string): string
  /** The module and all it imports as one minified file for a browser. */
  bundle(source: string): Promise<string>
  /** Removes the folder. */
  close(): void
}

/**
 * Builds and packs a package of this workspace and all of its dependencies, from copies, so that no other run's `dist` is
 * touched, and installs the tarballs. Takes some ten seconds.
 *
 * @param name of its folder in packages/
 * @throws Error with the output of the command that failed
 */
export function installPacked(name: string): Stranger {
  const workshop = mkdtempSync(path.join(tmpdir(), `se-pack-${name}-`))
  // Not within the workshop: Node would look for what is missing in the folders above.
  const directory = mkdtempSync(path.join(tmpdir(), `se-packed-${name}-`))
  try {
    writeFileSync(path.join(directory, 'package.json'), '{ "private": true, "type": "module" }\n')
    const tarballs = packAll(workshop, name)
    execute('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], directory)
    return strangerIn(directory)
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}

/**
 * A bundle's size over the one its README states as "24.9 kB minified, 9.5 kB gzipped": 1 where they agree.
 *
 * @throws Error when the README states none
 */
export function sizesOverStated(bundle: string, readme: string): { minified: number; gzipped: number } {
  const stated = /([\d.]+) kB minified, ([\d.]+) kB gzipped/.exec(readme)
  if (stated === null) throw new Error('the README states no size as "… kB minified, … kB gzipped"')
  return {
    minified: Buffer.byteLength(bundle) / 1_000 / Number(stated[1]),
    gzipped: gzipSync(bundle).length / 1_000 / Number(stated[2]),
  }
}

function strangerIn(directory: string): Stranger {
  const write = (file: string, text: string) => writeFileSync(path.join(directory, file), text)
  return {
    installed: installedIn(path.join(directory, 'node_modules')),
    misnamedClasses: misnamedIn(path.join(directory, 'node_modules/@se')),
    run(source) {
      write('run.js', source)
      return execute(process.execPath, ['run.js'], directory)
    },
    typeCheck(source) {
      const compilerOptions = {
        noEmit: true,
        strict: true,
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2023'],
        types: [],
      }
      write('use.ts', source)
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['use.ts'] }))
      const { stdout, stderr } = spawn(process.execPath, [bin('typescript', 'bin/tsc'), '-p', '.'], directory)
      return stdout + stderr
    },
    async bundle(source) {
      write('entry.js', source)
      const { output } = (await build({
        root: directory,
        configFile: false,
        logLevel: 'silent',
        build: {
          write: false,
          minify: true,
          target: 'es2022',
          modulePreload: false,
          rolldownOptions: { input: path.join(directory, 'entry.js'), preserveEntrySignatures: 'strict' },
        },
      })) as Rolldown.RolldownOutput
      if (output.length !== 1) throw new Error(`the bundle has ${output.length} files, not one`)
      return output[0].code
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Tarballs of the package and of all it depends on, dependencies first. */
function packAll(workshop: string, name: string): string[] {
  for (const file of readdirSync(root).filter((file) => /^tsconfig.*\.json$|^tsup\.shared\.ts$/.test(file))) {
    cpSync(path.join(root, file), path.join(workshop, file))
  }
  const modules = path.join(workshop, 'node_modules')
  mkdirSync(path.join(modules, '@se'), { recursive: true })
  for (const module of readdirSync(path.join(root, 'node_modules'))) {
    if (module !== '@se') symlinkSync(path.join(root, 'node_modules', module), path.join(modules, module))
  }
  const tarballs = new Map<string, string>()
  const add = (source: string) => {
    if (tarballs.has(source)) return
    for (const dependency of dependenciesOf(source)) add(dependency)
    const isOurs = path.dirname(source) === path.join(root, 'packages')
    tarballs.set(source, pack(isOurs ? buildCopy(source, workshop) : source, workshop))
  }
  add(path.join(root, 'packages', name))
  return [...tarballs.values()]
}

/** Folders of a package's dependencies: those of this workspace in packages/, others where npm put them. */
function dependenciesOf(directory: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  return Object.keys(dependencies).map((name) => {
    if (name.startsWith('@se/')) return path.join(root, 'packages', name.slice('@se/'.length))
    const nested = path.join(directory, 'node_modules', name)
    return existsSync(nested) ? nested : path.join(root, 'node_modules', name)
  })
}

/** Copies a package of ours, builds the copy, and lets the copies built after it import it. */
function buildCopy(source: string, workshop: string): string {
  const name = path.basename(source)
  const copy = path.join(workshop, 'packages', name)
  mkdirSync(copy, { recursive: true })
  for (const part of PARTS.filter((part) => existsSync(path.join(source, part)))) {
    cpSync(path.join(source, part), path.join(copy, part), { recursive: true })
  }
  const nested = path.join(source, 'node_modules')
  if (existsSync(nested)) symlinkSync(nested, path.join(copy, 'node_modules'))
  symlinkSync(copy, path.join(workshop, 'node_modules/@se', name))
  execute(process.execPath, [bin('tsup', 'dist/cli-default.js')], copy)
  execute(process.execPath, [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.build.json'], copy)
  return copy
}

function pack(directory: string, target: string): string {
  const packed = execute(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', target],
    directory,
  )
  return path.join(target, (JSON.parse(packed) as [{ filename: string }])[0].filename)
}

function installedIn(modules: string): string[] {
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'))
  return names
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(path.join(modules, name)).map((inner) => `${name}/${inner}`)
        : [name],
    )
    .toSorted()
}

function misnamedIn(ours: string): string[] {
  return globSync('*/dist/**/*.js', { cwd: ours }).flatMap((file) =>
    [...readFileSync(path.join(ours, file), 'utf8').matchAll(/\bclass (_\w+)/g)].map(([, name]) => name!),
  )
}

/** A script of a package that this workspace has installed. */
function bin(name: string, script: string): string {
  return path.join(root, 'node_modules', name, script)
}

function execute(file: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawn(file, args, cwd)
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

function spawn(file: string, args: readonly string[], cwd: string) {
  const ended = spawnSync(file, args, { cwd, encoding: 'utf8' })
  if (ended.error !== undefined) throw ended.error
  return ended
}
