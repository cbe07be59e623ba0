import { InvalidInput } from '@se/core'

/** Something that happened in a run. */
export interface StoryLine {
  /** Monotonic time of the world, ms. */
  readonly atMs: number
  /** Number of the action that begins here, from 0; `undefined`: something that followed from one. */
  readonly action: number | undefined
  readonly text: string
}

/**
 * The lines for people: when, which action, and below it what came of it.
 *
 * @throws InvalidInput for what is no list
 */
export function tellStory(lines: readonly StoryLine[]): string {
  if (!Array.isArray(lines)) throw new InvalidInput('lines', 'must be a list of lines of a story')
  return lines.map(tellLine).join('\n')
}

function tellLine({ atMs, action, text }: StoryLine): string {
  const time = `${Math.round(atMs)}`.padStart(8)
  return action === undefined ? `${time} ms       ${text}` : `${time} ms  #${action} ${text}`
}
