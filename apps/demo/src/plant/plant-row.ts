import { Buffer } from 'node:buffer'
import type { Settings } from '@se/compose'
import { nameOf } from '@se/engine'
import { runCommand, type CommandContext } from '../command.ts'
import { createDemoEngine } from '../demo-engine.ts'
import { SAMPLES } from '../samples.ts'
import { showPlace, startEngine } from '../sections/start.ts'
import { requireTrust, showVerify } from '../sections/verify.ts'
import { itemValues } from './item-values.ts'

const ID = SAMPLES[0]!.id

/**
 * Changes the value of one row in SQL, behind the engine: `verify({ deep: true })` must name that id, and nothing else,
 * and refuse trust. At the end the row is as it was.
 *
 * @returns the exit code
 */
export async function plantInRow(settings: Settings): Promise<number> {
  return runCommand(settings, async (context) => {
    const { place, out, checks, withEngine } = context
    out.section('Before: the rows are right')
    showPlace(place, out)
    await withEngine({ isNoted: false }, async (demo) => {
      await startEngine(demo, place, out, checks)
      for (const { id, value } of SAMPLES) await demo.engine.submit(id, value)
      await demo.engine.flush()
      await requireTrust(demo, out, checks, { deep: true })
    })

    // SQLite is locked while an engine has it open, so the row is changed between two runs.
    const values = itemValues(place.archive)
    const right = await values.read(ID)
    const wrong = Buffer.from(right.toString().replace('admin', 'guest'))
    try {
      out.section('Planted: one value is changed in SQL')
      await values.write(ID, wrong)
      out.line(`${ID}: ${right.toString()} became ${wrong.toString()}`)
      await verifyPlanted(context)
    } finally {
      await values.write(ID, right)
    }

    out.section('Restored: the value as it was')
    out.line(`${ID}: ${(await values.read(ID)).toString()}`)
    out.line('left behind: the five entries, written once more; nothing of what was planted')
    await withEngine({}, async (demo) => {
      await startEngine(demo, place, out, checks)
      await requireTrust(demo, out, checks, { deep: true })
    })
  })
}

async function verifyPlanted({ place, out, checks }: CommandContext): Promise<void> {
  out.section('After: the next start')
  const demo = await createDemoEngine(place)
  try {
    await startEngine(demo, place, out, checks)
    out.line(
      'a start compares digests, and the digest beside that value was not touched: only reading the rows tells',
    )

    out.section('After: verify({ deep: true })')
    const report = await showVerify(demo, out, { deep: true })
    const tree = report.views.find(({ view }) => view === 'tree')
    checks.that(!report.isTrusted, 'the whole is refused trust')
    checks.that(tree?.isTrusted === false, 'the tree is refused trust')
    checks.equal(tree?.differences.map(nameOf).join(', '), ID, `verify names ${ID}, and nothing else`)
    const { trust } = demo.engine.status()
    for (const view of ['tree', 'filter'] as const) {
      const said = trust[view] ?? ''
      out.line(`the engine says: ${view} ${said}`)
      checks.that(said.startsWith('untrusted: '), `the engine refuses the ${view} trust`, said)
    }
  } finally {
    // No filter snapshot is written, because the filter is not trusted: the earlier one stays.
    await demo.engine.stop()
    await demo.metrics.shutdown()
  }
}
