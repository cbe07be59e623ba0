import type { ViewReport } from '../../index.ts'
import { Anomaly, reasonOf } from '../anomaly.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** Checks everything beside the script, and fails the run if the answer is no without a reason. */
export function verify(world: World, process: Process, repair: boolean): void {
  const { engine, number } = process
  const task = async (): Promise<void> => {
    const quiet = world.disturbances
    const archiveId = await idOfArchive(world)
    const wasComparable = await world.areStripesComparable(process)
    try {
      const report = await engine.verify({ deep: true, repair })
      world.note(`process ${number} verifies: ${report.isTrusted}`)
      // A tier that went away meanwhile, or was damaged, is a reason to say no.
      if (report.isTrusted || quiet !== world.disturbances || !world.isQuiet) return
      // Nor can be compared what was read before and after somebody noticed that the archive has gone back.
      if ((await idOfArchive(world)) !== archiveId) return
      // A stop closes the cache under it.
      if (engine.phase !== 'Ready') return
      const isComparable =
        wasComparable && !world.isTakenForCopys(process) && (await world.areStripesComparable(process))
      const isRight = (view: ViewReport): boolean =>
        view.differences.length > 0
          ? isAheadOfRestore(world, view)
          : view.view === 'cache' && (!isComparable || isLeftAlone(view))
      if (report.views.every((view) => view.isTrusted || isRight(view))) return
      throw new Anomaly('wolf', `process ${number}: ${JSON.stringify(report.views)}`)
    } catch (error) {
      world.note(`process ${number} cannot verify: ${reasonOf(error)}`)
    }
  }
  world.beside(process, task())
}

async function idOfArchive({ archive }: World): Promise<string> {
  return (await archive.readHeads()).cut.archiveId
}

/** Whether the cache has failed so often just before that it is not asked for a moment: the end of the run sees to it that it is again. */
function isLeftAlone({ because }: ViewReport): boolean {
  return because.endsWith('was not asked: it has not answered lately')
}

/** Whether a view differs in nothing but entries whose commits the archive has lost. */
export function isAheadOfRestore(world: World, { differences }: ViewReport): boolean {
  const areLost = differences.map(
    (each) =>
      each.kind === 'id' &&
      each.what.endsWith(' is newer than anything that the archive has') &&
      world.model.hasLost(each.id),
  )
  return areLost.length > 0 && areLost.every(Boolean)
}
