import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeHistory, type History, type Life } from '@se/testkit/history'

const LIVES_FILE = 'lives.json'

/** What the driver knows of a run, beside what its processes wrote themselves. */
interface SavedLives {
  readonly lives: readonly Life[]
  readonly settledUs: number
}

/** The file into which one process writes its operations. */
export function historyFile(directory: string, worker: number, life: number): string {
  return join(directory, `history-${worker}-${life}.ndjson`)
}

export function saveLives(directory: string, saved: SavedLives): void {
  writeFileSync(join(directory, LIVES_FILE), JSON.stringify(saved))
}

/** The history of a run, from its directory. */
export function loadHistory(directory: string): History {
  const { lives, settledUs } = JSON.parse(readFileSync(join(directory, LIVES_FILE), 'utf8')) as SavedLives
  const operations = lives.flatMap(({ worker, life }) => {
    try {
      return decodeHistory(worker, life, readFileSync(historyFile(directory, worker, life), 'utf8'))
    } catch (error) {
      // It ended before it had opened its history.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
  return { operations, lives, settledUs }
}
