/** Where a node's data stand in the history of its cluster. */
export interface GaleraPosition {
  /** UUID of the history; all zeros: none. */
  readonly history: string
  /** Number of the last write set in the data; -1: not known, the node did not end in order. */
  readonly sequence: number
}

export const NO_POSITION: GaleraPosition = { history: '00000000-0000-0000-0000-000000000000', sequence: -1 }

/** Text of `grastate.dat`: where the data stand, and whether a new cluster may begin with them. */
export function encodeSavedState(position: GaleraPosition, isSafeToBootstrap: boolean): string {
  return [
    '# GALERA saved state',
    'version: 2.1',
    `uuid:    ${position.history}`,
    `seqno:   ${position.sequence}`,
    `safe_to_bootstrap: ${isSafeToBootstrap ? 1 : 0}`,
    '',
  ].join('\n')
}

/** The position in a `grastate.dat`, or {@link NO_POSITION} when it has none. */
export function decodeSavedState(text: string): GaleraPosition {
  return positionIn(text, /^uuid:\s*([0-9a-f-]{36})[^]*^seqno:\s*(-?\d+)/m) ?? NO_POSITION
}

/** The position that `mariadbd --wsrep-recover` found in the data, in what it printed; undefined: it did not look. */
export function decodeRecovered(printed: string): GaleraPosition | undefined {
  return positionIn(printed, /Recovered position:\s*([0-9a-f-]{36}):(-?\d+)/)
}

function positionIn(text: string, pattern: RegExp): GaleraPosition | undefined {
  const [, history, sequence] = pattern.exec(text) ?? []
  return history === undefined ? undefined : { history, sequence: Number(sequence) }
}

/** As `--wsrep-start-position` takes it. */
export function positionText({ history, sequence }: GaleraPosition): string {
  return `${history}:${sequence}`
}

/**
 * Text of `gvwstate.dat`: the view a node was in. Nodes that start with the same one form the cluster again as soon as
 * all its members are there, without one of them beginning it and without any transfer of data.
 */
export function encodeView(own: string, members: readonly string[]): string {
  return [
    `my_uuid: ${own}`,
    '#vwbeg',
    `view_id: 3 ${members[0] ?? own} 1`,
    'bootstrap: 0',
    ...members.map((member) => `member: ${member} 0`),
    '#vwend',
    '',
  ].join('\n')
}

/** Index of the node whose data are the newest: a cluster that begins with it loses nothing. */
export function newestOf(positions: readonly GaleraPosition[]): number {
  const newest = positions.reduce((max, { sequence }) => Math.max(max, sequence), -1)
  return positions.findIndex(({ sequence }) => sequence === newest)
}
