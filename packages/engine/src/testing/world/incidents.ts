/** What happens to processes, to the archive, to caches, and to time. */
import type { Stamp } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import type { ActionOf } from '../script/actions.ts'
import { pass, turns } from '../time.ts'
import type { Process } from './process.ts'
import { setAvailable } from './simulated-cache.ts'
import type { World } from './world.ts'

/** How long a cache is away whose loss everybody is to see, ms: everybody has asked it meanwhile. */
const LOSS_MS = 700

export async function passTime({ clock }: World, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    await clock.advance(Math.min(10, left))
    await turns(2)
  }
}

/** Everything answers again, everybody runs, the clocks are right. */
export async function calm(world: World): Promise<void> {
  for (const cache of world.caches) setAvailable(cache, true)
  world.archiveSkewMs = 0
  for (const process of world.processes) {
    process.gate.thaw(true)
    process.skewMs = Math.sign(process.skewMs) * Math.min(Math.abs(process.skewMs), 100)
    process.lostPuts = { count: 0, how: 'forgotten' }
    process.failingCommits = { count: 0, when: 'before' }
    process.isReachable = true
  }
  await pass(world.clock, 7_000)
  for (const process of world.processes) {
    if (process.state === 'down') world.come(process, process.disk)
    if (process.engine.phase === 'Failed' && process.state === 'up') restart(world, process)
    await world.answered(process)
  }
}

// ---------------------------------------------------------------------------------------------------------
// Processes
// ---------------------------------------------------------------------------------------------------------

export function startAgain(world: World, process: Process): void {
  const { state, number, disk } = process
  if (state === 'down') world.come(process, disk)
  else world.note(`nothing: process ${number} is ${state}`)
}

/** Stops in order, also after a failure, and starts anew. */
export function restart(world: World, process: Process): void {
  const { engine, number, life, gate } = process
  process.state = 'stopping'
  const task = async (): Promise<void> => {
    const report = await engine.stop()
    if (process.gate !== gate || process.life !== life) return
    world.note(`process ${number} stops, ${report.itemsLeftInLog} left in its log`)
    // What it holds in memory alone cannot be saved by a log that has failed.
    if (process.isDiskSuspect) world.model.forgetMemoryLevel(number)
    process.state = 'down'
    world.come(process, process.disk)
  }
  world.beside(process, task())
}

/** Its next sync of the log fails. */
export function failDisk(process: Process): void {
  const { disk } = process
  process.isDiskSuspect = true
  disk.onCall = ({ operation, path }) => {
    if (operation !== 'syncData' || !path.endsWith('.wal')) return undefined
    disk.onCall = undefined
    return { code: 'EIO' }
  }
}

// ---------------------------------------------------------------------------------------------------------
// The archive
// ---------------------------------------------------------------------------------------------------------

export function setArchiveClock(world: World, { skewMs }: ActionOf<'set-archive-clock'>): void {
  world.hasArchiveClockJumped = true
  world.archiveSkewMs = skewMs
}

export function backUp(world: World): void {
  const { archiveServer: server } = world
  if (server.backup === undefined) return world.note('nothing: this archive cannot be backed up')
  world.backups.push({ archive: server.backup(), at: world.model.now() })
}

export function restore(world: World, { back }: ActionOf<'restore'>): void {
  const { variant, archiveServer: server } = world
  // Whoever has the file to itself would have to let go of it first.
  if (variant.isExclusive && world.processes.some(({ state }) => state !== 'down')) {
    return world.note('nothing: a process has the archive to itself')
  }
  const backup = world.backups.at(-1 - back) ?? world.backups[0]
  if (backup === undefined || server.restoreTo === undefined) return world.note('nothing: there is no backup')
  const count = world.model.goBack(backup.at)
  world.hasGoneBack = true
  server.restoreTo(backup.archive)
  world.backups.splice(world.backups.indexOf(backup) + 1)
  world.note(`the archive goes back, and loses ${count} writes`)
}

/** Prunes the ledger and collects tombstones, whichever the archive does. */
export async function collect(world: World, { ageMs }: ActionOf<'collect'>): Promise<void> {
  const { archive } = world
  const beforeMs = world.archiveNowMs() - ageMs
  await world.settle(archive.foldTree())
  const rows = (await world.settle(Promise.resolve(archive.pruneLedger?.(beforeMs)))) ?? 0
  const tombstones = (await world.settle(Promise.resolve(archive.collectTombstones?.(beforeMs)))) ?? 0
  world.model.collect(beforeMs)
  world.note(`${rows} rows of the ledger and ${tombstones} tombstones are gone`)
}

// ---------------------------------------------------------------------------------------------------------
// Caches
// ---------------------------------------------------------------------------------------------------------

export function evict(world: World, { cache, id }: ActionOf<'evict'>): void {
  const { server } = world.caches[cache]!
  if (server.evict === undefined) return world.note('nothing: this cache cannot lose one entry')
  server.evict(id)
}

export function dropMeta(world: World, { cache, id }: ActionOf<'drop-meta'>): void {
  const { server } = world.caches[cache]!
  if (server.dropMeta === undefined) return world.note('nothing: this cache cannot lose a meta')
  server.dropMeta(stripeOfId(id))
}

export function empty(world: World, { cache }: ActionOf<'empty'>): void {
  const { server } = world.caches[cache]!
  if (server.clear === undefined) return world.note('nothing: this cache cannot be emptied')
  server.clear()
}

export function dump(world: World, { cache }: ActionOf<'dump'>): void {
  const { server, dumps } = world.caches[cache]!
  if (server.dump === undefined) return world.note('nothing: no dump can be taken of this cache')
  dumps.push(server.dump())
}

export function setBack(world: World, { cache, isSeen }: ActionOf<'set-back'>): void {
  const it = world.caches[cache]!
  const { server, dumps } = it
  const newest = dumps.at(-1)
  if (newest === undefined || server.restore === undefined) return world.note('nothing: there is no dump')
  if (isSeen) {
    setAvailable(it, false)
    world.clock.setTimer(LOSS_MS, () => setAvailable(it, true))
  }
  server.restore(newest)
  world.note(`cache ${cache} is as it was at its dump`)
}

export function flipStamp(world: World, { cache, id, bit }: ActionOf<'flip-stamp'>): void {
  const { server } = world.caches[cache]!
  server.tamper?.(id, (item) => {
    world.model.damaged.add(id)
    const time = Number(BigInt(item.stamp.time) ^ (1n << BigInt(bit)))
    world.note(`the stamp of ${id} in cache ${cache} is another one`)
    return { ...item, stamp: { ...item.stamp, time } satisfies Stamp }
  })
}
