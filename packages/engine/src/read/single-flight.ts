import { invariant, type Lookup, type Stamp } from '@se/core'
import type { LoadFloors, LoadVerdict, RunningLoad } from '../heard/load-floors.ts'

/** A result with what it is worth. Several callers may hold the same one. */
export interface Loaded<T extends Lookup> {
  readonly result: T
  readonly verdict: LoadVerdict
}

export interface LoadRequest {
  readonly id: string
  /** Newest stamp this reader knows of the id; `undefined`: none. */
  readonly knownFloor: Stamp | undefined
}

/**
 * Keeps a fresh result. Called at most once a load, in the same turn in which the verdict is given, so that no
 * write can come between; hence it must not wait for anything.
 */
export type StoreLoaded<T extends Lookup> = (id: string, result: T) => void

interface Flight<T extends Lookup> {
  readonly load: RunningLoad
  readonly loaded: Promise<Loaded<T>>
}

/**
 * Concurrent reads of one missing id cause one load [R4], but for readers that know, or could know, of something
 * newer: they start a load of their own [R2].
 */
export class SingleFlight<T extends Lookup> {
  readonly #floors: LoadFloors
  /** The newest load of each id. */
  readonly #flights = new Map<string, Flight<T>>()
  readonly #store: StoreLoaded<T>

  /** @param floors of these loads alone; raised by whatever is heard while they run */
  constructor(floors: LoadFloors, store: StoreLoaded<T>) {
    this.#floors = floors
    this.#store = store
  }

  /**
   * Joins the load of this id that runs, or starts `load`.
   *
   * @returns rejects as `load` does, for all who joined
   */
  run(id: string, knownFloor: Stamp | undefined, load: () => Promise<T>): Promise<Loaded<T>> {
    return this.#join(id, knownFloor) ?? this.#start(id, knownFloor, load)
  }

  /**
   * The same for many ids: those without a load to join are loaded together, by one call of `loadMany`, or none.
   *
   * @param loadMany answers in the order of its ids
   * @returns in the order of the requests
   */
  async runMany(
    requests: readonly LoadRequest[],
    loadMany: (ids: readonly string[]) => Promise<readonly T[]>,
  ): Promise<readonly Loaded<T>[]> {
    const missing: string[] = []
    // The floors must stand before the first tier is asked, but the ids are known only after all have been
    // looked at: the load itself starts when this gate opens, in this same turn.
    let open!: () => void
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const results = gate.then(async () => {
      const answers = await loadMany(missing)
      invariant(answers.length === missing.length, 'each id has an answer', {
        ids: missing.length,
        answers: answers.length,
      })
      return answers
    })
    const all = requests.map(({ id, knownFloor }) => {
      const joined = this.#join(id, knownFloor)
      if (joined !== undefined) return joined
      const index = missing.push(id) - 1
      return this.#start(id, knownFloor, () => results.then((answers) => answers[index]!))
    })
    if (missing.length > 0) open()
    return Promise.all(all)
  }

  #join(id: string, knownFloor: Stamp | undefined): Promise<Loaded<T>> | undefined {
    const flight = this.#flights.get(id)
    return flight !== undefined && this.#floors.mayJoin(flight.load, knownFloor) ? flight.loaded : undefined
  }

  #start(id: string, knownFloor: Stamp | undefined, ask: () => Promise<T>): Promise<Loaded<T>> {
    const load = this.#floors.begin(id, knownFloor)
    const loaded = invoke(ask).then(
      (value): Loaded<T> => {
        this.#forget(load)
        const verdict = this.#floors.end(load, value)
        if (verdict === 'fresh') this.#store(id, value)
        return { result: value, verdict }
      },
      (error: unknown) => {
        this.#forget(load)
        this.#floors.cancel(load)
        throw error
      },
    )
    this.#flights.set(id, { load, loaded })
    return loaded
  }

  #forget(load: RunningLoad): void {
    if (this.#flights.get(load.id)?.load === load) this.#flights.delete(load.id)
  }
}

/** A load that throws at once is one that rejects. */
async function invoke<T>(load: () => Promise<T>): Promise<T> {
  return load()
}
