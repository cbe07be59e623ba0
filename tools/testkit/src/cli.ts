import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { readCommandLine, type Program } from '@se/core/node'
import { canConnect } from './services/connect.ts'
import { removeContainer } from './services/docker.ts'
import { endRecordedServer, runningServer } from './services/private-directory.ts'
import type { RunningServer, ServerKind } from './services/running-server.ts'
import { createInstaller, startAny } from './services/start-any.ts'

/** Standard output holds only what a shell can evaluate: `eval "$(npm run -s services -- up)"`. */
const program = {
  name: 'npm run services --',
  summary:
    'Test servers that stay up between runs, for development: up starts what is missing and prints their urls as exports, down ends them, status tells.',
  forms: ['up', 'down', 'status'],
  options: {},
  words: [{ name: 'COMMAND', oneOf: ['up', 'down', 'status'] }],
} as const satisfies Program
const kinds: readonly ServerKind[] = ['sql', 'redis']
const URL_VARIABLES = { sql: 'SE_TEST_SQL_URL', redis: 'SE_TEST_REDIS_URL' } as const

type State = { [kind in ServerKind]?: Pick<RunningServer, 'url' | 'where'> }

const stateFile = resolve(
  process.env['SE_SERVICES_STATE'] ??
    resolve(import.meta.dirname, '../../../node_modules/.cache/se-services/state.json'),
)

function loadState(): State {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8')) as State
  } catch {
    return {}
  }
}

function saveState(state: State): void {
  mkdirSync(dirname(stateFile), { recursive: true })
  writeFileSync(stateFile, `${JSON.stringify(state, null, 2)}\n`)
}

async function end(server: Pick<RunningServer, 'where'>): Promise<void> {
  if ('directory' in server.where) await endRecordedServer(server.where.directory)
  else await removeContainer(server.where.container)
}

async function up(): Promise<boolean> {
  const state = loadState()
  const install = createInstaller(kinds, (line) => {
    console.error(line)
  })
  let areAllUp = true
  for (const kind of kinds) {
    const known = state[kind]
    if (known !== undefined && (await canConnect(kind, known.url)) !== undefined) {
      await end(known)
      Reflect.deleteProperty(state, kind)
    }
    if (state[kind] === undefined) {
      const result = await startAny(kind, install, { isDetached: true })
      if ('skipped' in result) {
        console.error(`${kind}: not started: ${result.skipped}`)
        areAllUp = false
        continue
      }
      state[kind] = { url: result.url, where: result.where }
      saveState(state)
    }
    console.log(`export ${URL_VARIABLES[kind]}=${state[kind].url}`)
  }
  return areAllUp
}

async function down(): Promise<boolean> {
  for (const [kind, server] of Object.entries(loadState())) {
    await end(server)
    console.error(`${kind}: ended`)
  }
  rmSync(stateFile, { force: true })
  return true
}

async function status(): Promise<boolean> {
  const state = loadState()
  let areAllUp = true
  for (const kind of kinds) {
    const server = state[kind]
    const failure = server === undefined ? 'down' : await canConnect(kind, server.url)
    areAllUp &&= failure === undefined
    if (server === undefined || failure !== undefined) {
      console.log(`${kind}: ${server === undefined ? 'down' : `does not answer: ${String(failure)}`}`)
      continue
    }
    const { where } = server
    const what =
      'directory' in where
        ? `pid ${String(runningServer(where.directory)?.pid)}, data in ${where.directory}`
        : `container ${where.container}`
    console.log(`${kind}: up, ${server.url}, ${what}`)
  }
  return areAllUp
}

const commands: Readonly<Record<string, () => Promise<boolean>>> = { up, down, status }
const { words } = readCommandLine(program, new URL('../../../package.json', import.meta.url))
process.exitCode = (await commands[words[0]!]!()) ? 0 : 1
