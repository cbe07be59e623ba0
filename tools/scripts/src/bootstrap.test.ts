/**
 * Goal: what the bootstrap starts gets the arguments, the folder of the user and a Node that runs TypeScript, and its exit code comes
 * back. Method: a workspace of three files, with an `npm` that only writes down that it was called.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { workspaceRoot } from './run-process.ts'

let root: string

/** `npm ci` as the bootstrap sees it: node_modules is emptied, then filled; npm's own copy of the lock comes last. */
const fakeNpm = `
const { mkdirSync, rmSync, writeFileSync, appendFileSync } = require('node:fs')
appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n')
rmSync('node_modules', { recursive: true, force: true })
mkdirSync('node_modules/.bin', { recursive: true })
if (process.env.FAKE_NPM === 'fails') process.exit(3)
writeFileSync('node_modules/.package-lock.json', '{}')
`

function bootstrap(parameters: string[], env: Record<string, string> = {}) {
  const result = spawnSync(process.execPath, ['tools/bootstrap.mjs', 'main.ts', ...parameters], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: path.join(root, 'npm.cjs'), INIT_CWD: '/where/the/user/is', ...env },
  })
  const callsFile = path.join(root, 'npm-calls')
  return {
    ...result,
    npmCalls: existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trim().split('\n') : [],
  }
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'se-bootstrap-'))
  mkdirSync(path.join(root, 'tools'))
  cpSync(path.join(workspaceRoot, 'tools/bootstrap.mjs'), path.join(root, 'tools/bootstrap.mjs'))
  writeFileSync(path.join(root, 'package-lock.json'), '{"lockfileVersion":3}')
  writeFileSync(path.join(root, 'npm.cjs'), fakeNpm)
  writeFileSync(
    path.join(root, 'main.ts'),
    `const told: { parameters: string[] } = { parameters: process.argv.slice(2) }
console.log(JSON.stringify({ ...told, user: process.env.INIT_CWD, version: process.version, path: process.env.PATH }))
process.exitCode = 7\n`,
  )
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('bootstrap', () => {
  it('installs once, hands over arguments and folder, and ends with the exit code of what it started', () => {
    const first = bootstrap(['import', '--file', 'a b.json'])
    expect(first.status).toBe(7)
    expect(first.npmCalls).toHaveLength(1)
    expect(first.npmCalls[0]).toMatch(/^ci --ignore-scripts /)
    const told = JSON.parse(first.stdout) as { parameters: string[]; user: string; path: string }
    expect(told.parameters).toEqual(['import', '--file', 'a b.json'])
    expect(told.user).toBe('/where/the/user/is')
    expect(told.path.split(path.delimiter)).toContain(path.join(root, 'node_modules/.bin'))
    expect(bootstrap([]).npmCalls).toHaveLength(1)
  })

  it('installs again when the lock has changed', () => {
    bootstrap([])
    writeFileSync(path.join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{}}')
    expect(bootstrap([]).npmCalls).toHaveLength(2)
  })

  it('installs again after an install that was cut off or failed, and starts nothing before', () => {
    const failed = bootstrap([], { FAKE_NPM: 'fails' })
    expect(failed.status).toBe(1)
    expect(failed.stdout).toBe('')
    expect(failed.stderr).toContain('npm ci failed with exit code 3')
    expect(existsSync(path.join(root, 'node_modules'))).toBe(true)
    expect(bootstrap([]).npmCalls).toHaveLength(2)
  })

  it('believes an install by hand that is newer than the lock, and not an older one', () => {
    mkdirSync(path.join(root, 'node_modules'))
    const hidden = path.join(root, 'node_modules/.package-lock.json')
    writeFileSync(hidden, '{}')
    utimesSync(hidden, 1, 1)
    expect(bootstrap([]).npmCalls).toHaveLength(1)
    rmSync(path.join(root, 'node_modules/.se-bootstrap'))
    expect(bootstrap([]).npmCalls).toHaveLength(1)
    const stamp = readFileSync(path.join(root, 'node_modules/.se-bootstrap'), 'utf8')
    const lock = readFileSync(path.join(root, 'package-lock.json'))
    expect(stamp).toContain(createHash('sha256').update(lock).digest('hex'))
  })

  it('passes over a node in node_modules/.bin that does not run here', () => {
    bootstrap([])
    const broken = path.join(root, 'node_modules/.bin/node')
    writeFileSync(broken, '#!/bin/sh\nexit 127\n')
    chmodSync(broken, 0o755)
    const result = bootstrap([])
    expect(result.status).toBe(7)
    expect((JSON.parse(result.stdout) as { version: string }).version).toBe(process.version)
  })
})
