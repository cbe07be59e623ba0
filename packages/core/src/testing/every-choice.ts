/** Decides what a power cut leaves: an index below `optionCount`, 0 for the oldest state, the last for the newest. */
export type PowerCutChooser = (optionCount: number) => number

/**
 * Runs `body` once for every combination of choices that it asks for.
 *
 * @param body asks with an option count and gets an index below it; the counts may depend on earlier answers
 * @returns how many combinations there were
 */
export async function forEveryChoice(
  body: (choose: PowerCutChooser) => void | Promise<void>,
  combinationsMax = Infinity,
): Promise<number> {
  const path: { chosen: number; optionCount: number }[] = []
  for (let combinations = 1; ; combinations++) {
    if (combinations > combinationsMax) throw new RangeError(`more than ${combinationsMax} combinations`)
    let depth = 0
    await body((optionCount) => {
      const step = (path[depth] ??= { chosen: 0, optionCount })
      depth++
      return step.chosen
    })
    while (path.length > 0 && path.at(-1)!.chosen + 1 === path.at(-1)!.optionCount) path.pop()
    const last = path.at(-1)
    if (last === undefined) return combinations
    last.chosen++
  }
}
