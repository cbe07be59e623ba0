import { createPowerLossFileSystem, type PowerLossFileSystem } from '@se/core/testing'
import type { Engine, ParkedItem } from '../../index.ts'
import { Gate } from './ports.ts'

/** How a process stands. */
export type ProcessState = 'down' | 'starting' | 'up' | 'stopping'

/** One process: its engine, its disk, its clock and its connections. */
export interface Process {
  readonly number: number
  /** Counts its starts. */
  life: number
  state: ProcessState
  gate: Gate
  engine: Engine
  disk: PowerLossFileSystem
  /** Whether the archive answers it. */
  isReachable: boolean
  /** A call to its disk failed: its log may have failed with it. */
  isDiskSuspect: boolean
  /** What it has set aside, as it last said. */
  parked: readonly ParkedItem[]
  /** Its wall clock beside the world's, ms. */
  skewMs: number
  /** The next puts into its cache that get lost, and how. */
  lostPuts: { count: number; how: 'forgotten' | 'unanswered' }
  /** Its next commits that fail, or whose answers are lost. */
  failingCommits: { count: number; when: 'before' | 'after-commit' }
  /** Calls of clients that are not answered yet. */
  readonly open: Set<Promise<unknown>>
}

/** A process that has never been started. Its engine is made when it is. */
export function newProcess(number: number): Process {
  return {
    number,
    life: 0,
    state: 'down',
    gate: new Gate(),
    disk: createPowerLossFileSystem({ sectorBytes: 4096 }),
    isReachable: true,
    isDiskSuspect: false,
    parked: [],
    skewMs: 0,
    lostPuts: { count: 0, how: 'forgotten' },
    failingCommits: { count: 0, when: 'before' },
    open: new Set(),
  } as unknown as Process
}
