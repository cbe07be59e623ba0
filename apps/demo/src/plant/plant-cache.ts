import { Buffer } from 'node:buffer'
import type { Settings } from '@se/compose'
import { createBranchSet, InvalidConfig } from '@se/core'
import { stripeOfId } from '@se/core/hash'
import { leafOf } from '@se/merkle'
import type { Item } from '@se/engine'
import type { Redis } from 'ioredis'
import { runCommand, type CommandContext } from '../command.ts'
import { BRANCHES, SAMPLES } from '../samples.ts'
import { nameOfLeaf, showPlace, startEngine } from '../sections/start.ts'
import { requireTrust } from '../sections/verify.ts'
import { dumpKeys, restoreKeys, type OlderDump } from './older-dump.ts'

const ID = SAMPLES[0]!.id
const NEWER = { name: 'Alice', role: 'owner' }

/**
 * Sets one entry of the cache and the meta of its stripe (cut, sums, tokens, and the stand beside it) back, as a Redis does that comes up from
 * an older dump, and starts the engine: it must find the leaf, remove that id and nothing else, and answer with the
 * newest value.
 *
 * @returns the exit code
 */
export async function plantInCache(settings: Settings): Promise<number> {
  return runCommand(settings, async (context) => {
    const { place, out } = context
    if (place.cache.kind === 'off') {
      throw new InvalidConfig(
        'SE_REDIS_URL',
        `plant cache needs a Redis, and L2 is off: ${place.cache.because}`,
      )
    }
    const client = await place.connectRedis()
    try {
      const { older, newestVersion } = await writeTwice(context, client)
      out.section('Planted: Redis goes back')
      await restoreKeys(client, older)
      out.line(`restored: ${[...older.keys()].join(' and ')}`)
      await startAndCompare(context, newestVersion)
    } finally {
      client.disconnect()
    }
  })
}

/** @returns the entry and the meta and stand of its stripe between the two writes */
async function writeTwice({ place, out, checks, withEngine }: CommandContext, client: Redis) {
  let older: OlderDump = new Map()
  let newestVersion: number | undefined
  out.section('Before: an older state is kept')
  showPlace(place, out)
  await withEngine({ isNoted: false }, async (demo) => {
    const { engine, cache } = demo
    await startEngine(demo, place, out, checks)
    for (const { id, value } of SAMPLES) await engine.submit(id, value)
    await engine.flush()
    // Fills the entry in where the put had to give way.
    const first = await engine.get(ID, { consistency: 'shared' })
    const stripe = stripeOfId(ID)
    older = await dumpKeys(client, [cache!.keyOf(ID), cache!.metaKeyOf(stripe), cache!.standKeyOf(stripe)])
    out.line(`kept: ${[...older.keys()].join(' and ')}, with v${first?.version ?? '?'} of ${ID}`)
    await engine.submit(ID, NEWER)
    await engine.flush()
    newestVersion = (await engine.get(ID))?.version
    out.line(`written since: v${newestVersion ?? '?'} of ${ID}, ${JSON.stringify(NEWER)}`)
  })
  return { older, newestVersion }
}

async function startAndCompare(
  { place, out, checks, withEngine }: CommandContext,
  newestVersion: number | undefined,
): Promise<void> {
  out.section('After: the next start')
  await withEngine({}, async (demo) => {
    const { engine } = demo
    const { cache: found } = await startEngine(demo, place, out, checks)
    const leaf = nameOfLeaf(leafOf(ID, createBranchSet(BRANCHES)))
    const leaves = found?.differingLeaves.map(nameOfLeaf).join(', ')
    checks.equal(leaves, leaf, `the start names the leaf of ${ID}, and no other`)
    checks.equal(found?.removedIds.join(', '), ID, `the start removes ${ID}, and nothing else`)
    checks.equal(found?.advanced, 1, 'one stripe is brought to the heads')
    checks.equal(found?.created, 0, 'no stripe is made')
    checks.equal(found?.reset, 0, 'no stripe is started over')
    checks.equal(found?.invalidatedLeaves.length, 0, 'no leaf has to be invalidated')

    out.section('After: what readers get')
    for (const consistency of ['shared', 'local', 'source'] as const) {
      const item = await engine.get(ID, { consistency })
      out.line(`${consistency}: v${item?.version ?? '?'} ${textOf(item)}`)
      checks.equal(textOf(item), JSON.stringify(NEWER), `a ${consistency} read gives the newest value`)
      checks.equal(item?.version, newestVersion, `a ${consistency} read gives the newest version`)
    }
    for (const { id, value } of SAMPLES.slice(1)) {
      const text = textOf(await engine.get(id, { consistency: 'shared' }))
      checks.equal(text, JSON.stringify(value), `${id} is as it was`)
    }
    await requireTrust(demo, out, checks, { deep: true })
    out.line(`left behind: the five entries, ${ID} with its newer value; nothing of what was planted`)
  })
}

function textOf(item: Item | undefined): string {
  return item === undefined ? 'absent' : Buffer.from(item.bytes).toString()
}
