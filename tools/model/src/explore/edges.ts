/** A list of whole numbers that grows, 4 bytes each. */
export class Numbers {
  #values = new Int32Array(1 << 12)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const values = new Int32Array(this.#length * 2)
      values.set(this.#values)
      this.#values = values
    }
    this.#values[this.#length++] = value
  }

  at(index: number): number {
    return this.#values[index]!
  }
}

/**
 * The states from which no end can be reached: none of the ways from there leads to one.
 *
 * @param stateCount states are numbered from 0
 * @param edges pairs one after the other: from, to; faults left out, as nobody may count on them
 * @param ends the states where all work is done
 * @returns 1 for each state from which an end can be reached
 */
export function reachesEnd(stateCount: number, edges: Numbers, ends: Iterable<number>): Uint8Array {
  // The edges backwards, as one list: those into a state lie between its start and the next one's.
  const starts = new Int32Array(stateCount + 1)
  for (let edge = 1; edge < edges.length; edge += 2) starts[edges.at(edge) + 1]!++
  for (let state = 0; state < stateCount; state++) starts[state + 1]! += starts[state]!
  const sources = new Int32Array(edges.length / 2)
  const filled = starts.slice()
  for (let edge = 0; edge < edges.length; edge += 2) {
    const to = edges.at(edge + 1)
    sources[filled[to]!++] = edges.at(edge)
  }
  const reached = new Uint8Array(stateCount)
  const open: number[] = []
  for (const end of ends) {
    reached[end] = 1
    open.push(end)
  }
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (let edge = starts[state]!; edge < starts[state + 1]!; edge++) {
      const source = sources[edge]!
      if (reached[source] === 1) continue
      reached[source] = 1
      open.push(source)
    }
  }
  return reached
}
