// Goal: installing never starts a service, never leaves the machine's policy changed, and never runs twice at a time.
// Method: the real script and lock, with `apt-get` and `dpkg-query` replaced by stand-ins that note what they see.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { installDebianPackages } from './debian-install.ts'
import { findBinary } from './find-binary.ts'

let directory: string
let policyFile: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'debian-install-test-'))
  policyFile = join(directory, 'policy-rc.d')
  program('dpkg-query', `[ -e ${directory}/installed ] && echo 'install ok installed'`)
  program(
    'apt-get',
    `
echo "apt-get $*" >> ${directory}/log
[ "$1" = install ] || exit 0
status=0
${policyFile} mariadb start || status=$?
echo "policy says $status" >> ${directory}/log
[ ! -e ${directory}/broken ] || { echo 'E: Unable to locate package' >&2; exit 100; }
touch ${directory}/installed`,
  )
  vi.stubEnv('PATH', `${directory}:${process.env['PATH'] ?? ''}`)
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true })
})

function program(name: string, body: string): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`)
  chmodSync(join(directory, name), 0o755)
}

async function install(): Promise<{ failure: string | undefined; printed: string[]; log: string[] }> {
  const printed: string[] = []
  const places = { policyFile, lockFile: join(directory, 'lock') }
  const packages = ['redis-server', 'mariadb-server']
  const failure = await installDebianPackages(packages, (line) => printed.push(line), places)
  const log = existsSync(join(directory, 'log'))
    ? readFileSync(join(directory, 'log'), 'utf8').split('\n')
    : []
  return { failure, printed, log: log.filter((line) => line !== '') }
}

const installed = [
  'apt-get update',
  'apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 redis-server mariadb-server',
  'policy says 101',
]

describe.skipIf(findBinary('flock') === undefined)('installDebianPackages', () => {
  test('prints the command, forbids services while it runs, and removes the policy again', async () => {
    const { failure, printed, log } = await install()
    expect(failure).toBeUndefined()
    expect(printed).toEqual([
      'test servers: apt-get update && apt-get install -y --no-install-recommends redis-server mariadb-server',
    ])
    expect(log).toEqual(installed)
    expect(existsSync(policyFile)).toBe(false)
  })

  test('puts a policy that allows services aside, and back', async () => {
    program('policy-rc.d', 'exit 0 # allows all')
    const before = readFileSync(policyFile, 'utf8')
    expect((await install()).log).toEqual(installed)
    expect(readFileSync(policyFile, 'utf8')).toBe(before)
    expect(existsSync(`${policyFile}.se-testkit-kept`)).toBe(false)
  })

  test('does not touch a policy that forbids services already', async () => {
    program('policy-rc.d', `echo asked >> ${directory}/asked; exit 101`)
    const before = readFileSync(policyFile, 'utf8')
    expect((await install()).log).toEqual(installed)
    expect(readFileSync(policyFile, 'utf8')).toBe(before)
  })

  test('restores what an installation that was killed left', async () => {
    program('policy-rc.d', '# se-testkit: no service starts while test servers are installed\nexit 101')
    program('policy-rc.d.se-testkit-kept', 'exit 0 # of the machine')
    await install()
    expect(readFileSync(policyFile, 'utf8')).toContain('of the machine')
  })

  test('reports why apt failed, and restores the policy all the same', async () => {
    writeFileSync(join(directory, 'broken'), '')
    const { failure } = await install()
    expect(failure).toMatch(/apt-get ended with 100: .*Unable to locate package/s)
    expect(existsSync(policyFile)).toBe(false)
  })

  test('runs once when two ask at the same time', async () => {
    const outcomes = await Promise.all([install(), install()])
    expect(outcomes.map((outcome) => outcome.failure)).toEqual([undefined, undefined])
    expect(readFileSync(join(directory, 'log'), 'utf8').trim().split('\n')).toEqual(installed)
  })
})
