// Goal: servers do not outlive the process that started them, however it ends, and nobody else's are ended.
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startKillableProcess, type KillableProcess } from '../process-killer.ts'
import { createPrivateDirectory, reapStaleDirectories, recordServer } from './private-directory.ts'
import { identifyProcess } from './process-identity.ts'

interface Server {
  pid: number
  directory: string
}

const child = new URL('../../test/children/own-servers.ts', import.meta.url)
const children: KillableProcess[] = []

async function startOwner(...args: string[]): Promise<{ owner: KillableProcess; servers: Server[] }> {
  const owner = startKillableProcess({ file: child, args })
  children.push(owner)
  await owner.waitForLine('ready')
  const servers = owner.lines
    .filter((line) => line.startsWith('server '))
    .map((line) => JSON.parse(line.slice('server '.length)) as Server)
  for (const { pid } of servers) expect(identifyProcess(pid)).toBeDefined()
  return { owner, servers }
}

async function expectGone(servers: readonly Server[]): Promise<void> {
  for (const { pid, directory } of servers) {
    // The signal has been sent; the kernel takes its time with a big process.
    await vi.waitFor(() => {
      expect(identifyProcess(pid)).toBeUndefined()
    }, 5_000)
    expect(existsSync(directory)).toBe(false)
  }
}

// A temporary directory of one's own: else another run's acquire may clean up first.
let temporary: string

beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'cleanup-test-'))
  chmodSync(temporary, 0o711)
  vi.stubEnv('TMPDIR', temporary)
})

afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(temporary, { recursive: true, force: true })
})

afterEach(async () => {
  await Promise.all(children.splice(0).map((one) => one.kill()))
  reapStaleDirectories()
})

describe('end of the owner', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'ends its servers on %s, and it still dies of it',
    async (signal) => {
      const { owner, servers } = await startOwner('--redis-only')
      expect(await owner.kill(signal)).toEqual({ code: null, signal })
      await expectGone(servers)
    },
  )

  test('ends its servers on process.exit', async () => {
    const { owner, servers } = await startOwner('--redis-only')
    owner.send('exit')
    expect(await owner.ended).toEqual({ code: 0, signal: null })
    await expectGone(servers)
  })

  test('ends its servers on an uncaught exception', async () => {
    const { owner, servers } = await startOwner('--redis-only')
    owner.send('throw')
    expect((await owner.ended).code).toBe(1)
    expect(owner.stderr).toContain('thrown on demand')
    await expectGone(servers)
  })
})

describe('reapStaleDirectories', () => {
  test('ends the servers and removes the data of an owner that died of SIGKILL', async () => {
    const { owner, servers } = await startOwner()
    expect(servers).toHaveLength(2)
    await owner.kill('SIGKILL')
    for (const { pid } of servers) expect(identifyProcess(pid)).toBeDefined()
    const reaped = reapStaleDirectories()
    for (const { directory } of servers) expect(reaped).toContain(directory)
    await expectGone(servers)
  })

  test('leaves the servers of a running owner alone', async () => {
    const { servers } = await startOwner('--redis-only')
    const reaped = reapStaleDirectories()
    for (const { pid, directory } of servers) {
      expect(reaped).not.toContain(directory)
      expect(identifyProcess(pid)).toBeDefined()
      expect(existsSync(directory)).toBe(true)
    }
  })

  test('does not end a process that only has the pid of a server long gone', async () => {
    const stranger = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' })
    const directory = mkdtempSync(join(tmpdir(), 'se-testkit-'))
    const gone = { pid: stranger.pid, startedAt: 'another boot:1' }
    writeFileSync(join(directory, 'owner.json'), JSON.stringify({ owner: gone, server: gone }))
    try {
      expect(reapStaleDirectories()).toContain(directory)
      expect(existsSync(directory)).toBe(false)
      expect(identifyProcess(stranger.pid ?? 0)).toBeDefined()
      expect(stranger.signalCode).toBeNull()
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  test('leaves detached servers and half-made directories alone', () => {
    const detached = createPrivateDirectory(true)
    recordServer(detached, true, { pid: 1, startedAt: 'another boot:1' })
    const halfMade = mkdtempSync(join(tmpdir(), 'se-testkit-'))
    try {
      const reaped = reapStaleDirectories()
      expect(reaped).not.toContain(detached)
      expect(reaped).not.toContain(halfMade)
      expect(existsSync(detached) && existsSync(halfMade)).toBe(true)
    } finally {
      rmSync(detached, { recursive: true })
      rmSync(halfMade, { recursive: true })
    }
  })
})
