import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startKillableProcess, type KillableProcess } from '@se/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLog } from '../src/index.ts'

/**
 * Goal: one writer a directory, also where a pid means something else to each of those who share it. Method: real processes in
 * namespaces of their own, as containers have them; stopped, killed, started again.
 */

const HOLDER = fileURLToPath(new URL('./lock-holder.ts', import.meta.url))
const NOBODY = 65534
const asNobody =
  process.getuid?.() === 0 ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
const inNamespaces = (...flags: string[]) => ['unshare', ...flags, '--fork', '--kill-child']

const worlds = [
  {
    title: 'two containers',
    under: inNamespaces('--pid', '--net', '--ipc', '--mount-proc'),
    isOrdinary: false,
  },
  { title: 'pid namespaces that see the /proc of outside', under: inNamespaces('--pid'), isOrdinary: false },
  {
    title: 'clocks of their own (time namespaces)',
    under: inNamespaces('--time', '--boottime', '100000'),
    isOrdinary: false,
  },
  {
    title: 'an ordinary user with user namespaces',
    under: [...asNobody, ...inNamespaces('--map-root-user', '--pid', '--mount-proc')],
    isOrdinary: true,
  },
]

let directory: string
let children: KillableProcess[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'se-wal-namespaces-'))
  children = []
})

afterEach(async () => {
  for (const child of children) await child.kill()
  rmSync(directory, { recursive: true, force: true })
})

function start(under: readonly string[]): KillableProcess {
  const child = startKillableProcess({ file: HOLDER, args: [directory], under })
  children.push(child)
  return child
}

/** The pid, as seen from here, of the node process that a chain of launchers runs. */
function innermost(pid: number): number {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]
  return child === undefined || child === '' ? pid : innermost(Number(child))
}

const openHere = () => openLog({ directory, limits: { segmentBytes: 4096 } })

for (const { title, under, isOrdinary } of worlds) {
  const [launcher, ...rest] = under
  // Without a directory it refuses its options; where it cannot be run, or read by that user, it does not come so far.
  const tried = spawnSync(launcher!, [...rest, process.execPath, '--conditions=@se/source', HOLDER])
  const isPossible = tried.stdout?.toString().trim() === 'refused SE_INVALID_CONFIG'
  const why = tried.error?.message ?? tried.stderr.toString().trim().split('\n')[0]
  const shown = isPossible ? title : `${title} (skipped: ${why})`
  describe.skipIf(!isPossible)(`${shown} [P82]`, () => {
    it('share a directory: one holds it, alive or stopped; when it is killed the next has it at once', async () => {
      if (isOrdinary && process.getuid?.() === 0) chownSync(directory, NOBODY, NOBODY)
      const first = start(under)
      await first.waitForLine('open')
      first.send('append')
      await first.waitForLine('acknowledged 1')
      expect(await start(under).waitForLine(/^(open|refused)/)).toBe('refused SE_LOG_LOCKED')
      first.send('rival')
      expect(await first.waitForLine(/^rival/)).toBe('rival: refused SE_LOG_LOCKED')
      await expect(openHere()).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })

      const pid = innermost(first.pid)
      process.kill(pid, 'SIGSTOP')
      expect(await start(under).waitForLine(/^(open|refused)/)).toBe('refused SE_LOG_LOCKED')
      process.kill(pid, 'SIGCONT')
      first.send('append')
      await first.waitForLine('acknowledged 2')

      process.kill(pid, 'SIGKILL')
      await first.ended
      const startMs = performance.now()
      const next = start(under)
      expect(await next.waitForLine(/^(open|refused)/)).toBe('open')
      // Far below the 20 s after which a holder that nobody can judge is taken for dead.
      expect(performance.now() - startMs).toBeLessThan(10_000)
      next.send('replay')
      expect(await next.waitForLine(/^(records|failed)/)).toBe('records 2')
    })
  })
}

describe('a lock whose sign is gone [P82]', () => {
  it('is held as long as its beat is seen', async () => {
    const under = inNamespaces('--pid')
    if (spawnSync(under[0]!, [...under.slice(1), 'true']).status !== 0) under.length = 0
    const holder = start(under)
    await holder.waitForLine('open')
    for (const name of readdirSync(directory)) if (name.endsWith('.sock')) rmSync(join(directory, name))
    await expect(openHere()).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })
  })

  it('a living holder whose lock file was removed is not overlooked, and fails itself', async () => {
    const holder = start([])
    await holder.waitForLine('open')
    for (const name of readdirSync(directory)) if (name.endsWith('.lock')) rmSync(join(directory, name))
    await expect(openHere()).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })
    // Its next segment at the latest.
    for (let append = 0; append < 4; append++) holder.send('append')
    expect(await holder.waitForLine(/^failed/)).toBe('failed SE_LOG_LOCK_LOST')
    await holder.kill()
    await (await openHere()).close()
  })
})

describe('the sign', () => {
  it('is there also where the path is longer than a socket may have', async () => {
    const long = join(directory, 'x'.repeat(100))
    const log = await openLog({ directory: long })
    chmodSync(long, 0o755)
    expect(readdirSync(long).some((name) => name.endsWith('.sock'))).toBe(true)
    await log.close()
    expect(readdirSync(long).some((name) => name.endsWith('.sock'))).toBe(false)
    // One file stays, which says that the lock is free.
    expect(readdirSync(long).filter((name) => name.endsWith('.lock')).length).toBe(1)
  })
})
