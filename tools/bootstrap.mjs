/**
 * Makes a fresh clone runnable, then hands over to a TypeScript file of the workspace:
 *
 *   node tools/bootstrap.mjs FILE.ts [ARGUMENTS …]
 *
 * It runs `npm ci` when node_modules is missing, incomplete or older than package-lock.json, and picks a Node that
 * runs TypeScript. Plain JavaScript without a dependency, so that any Node from 18 on can run it before anything is
 * installed. A relative path given by the user means the folder they typed the command in: that is `INIT_CWD`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** From this version on Node runs .ts files without a flag; the published packages need less (see their `engines`). */
const NODE_MIN = [22, 18]

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const modules = path.join(root, 'node_modules')
const bin = path.join(modules, '.bin')
const stampFile = path.join(modules, '.se-bootstrap')

/** One sentence, exit 1. */
function giveUp(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

/** What node_modules must have been installed from: the lock file, for this kind of machine. */
function wantedStamp() {
  const lock = readFileSync(path.join(root, 'package-lock.json'))
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}`
}

/** npm writes its own copy of the lock last, so an interrupted install has none. */
function isInstalledByHand() {
  const hidden = path.join(modules, '.package-lock.json')
  return (
    existsSync(hidden) && statSync(hidden).mtimeMs >= statSync(path.join(root, 'package-lock.json')).mtimeMs
  )
}

function isInstalled(stamp) {
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8') === stamp
  return isInstalledByHand()
}

/**
 * `npm ci` removes node_modules first; the stamp goes before that and comes back only after success, so that an
 * install cut off anywhere is done again. No install script is run: none of the dependencies needs one.
 */
function install() {
  rmSync(stampFile, { force: true })
  process.stderr.write('Installing dependencies (npm ci), once; this takes about a minute …\n')
  const options = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const npmScript = process.env.npm_execpath
  const viaScript = npmScript !== undefined && /\.c?js$/.test(npmScript)
  const result = viaScript
    ? spawnSync(process.execPath, [npmScript, ...options], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', options, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.error) giveUp(`npm could not be started: ${result.error.message}.`)
  if (result.signal) process.exit(128 + (constants.signals[result.signal] ?? 1))
  if (result.status !== 0) giveUp(`npm ci failed with exit code ${result.status}; nothing else was run.`)
}

function runsTypeScript(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
}

/** The Node in node_modules/.bin where there is one (Linux), else this one. */
function findNode() {
  const own = path.join(bin, 'node')
  if (existsSync(own)) {
    const probe = spawnSync(own, ['--version'], { encoding: 'utf8' })
    if (probe.status === 0 && runsTypeScript(probe.stdout.trim())) return own
  }
  if (runsTypeScript(process.version)) return process.execPath
  return giveUp(
    `Node ${NODE_MIN.join('.')} or newer is needed (24 is best; this is ${process.version}): install it from nodejs.org and run the command again.`,
  )
}

const [file, ...rest] = process.argv.slice(2)
if (file === undefined) giveUp('Usage: node tools/bootstrap.mjs FILE.ts [ARGUMENTS …]')

const stamp = wantedStamp()
if (!isInstalled(stamp)) install()
if (!existsSync(stampFile)) writeFileSync(stampFile, stamp)

const node = findNode()
const child = spawn(node, ['--conditions=@se/source', path.resolve(root, file), ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    INIT_CWD: process.env.INIT_CWD ?? process.cwd(),
    PATH: [path.dirname(node), bin, process.env.PATH ?? ''].join(path.delimiter),
  },
})
// A terminal sends its signals to the child as well; the bootstrap only waits, and passes on what comes from elsewhere.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => giveUp(`${node} could not be started: ${error.message}.`))
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
