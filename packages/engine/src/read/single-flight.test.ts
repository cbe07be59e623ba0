import type { Lookup } from '@se/core'
import { describe, expect, it } from 'vitest'
import { LoadFloors } from '../heard/load-floors.ts'
import { SingleFlight } from './single-flight.ts'

const stamp = (time: number) => ({ time, instance: 1 })
const found = (id: string, time: number): Lookup => ({
  kind: 'found',
  item: {
    id,
    bytes: new Uint8Array(),
    stamp: stamp(time),
    version: 1,
    state: '',
    contentType: '',
    createdAtMs: 0,
    updatedAtMs: 0,
  },
})

/** Loads that end when told to. */
function createWorld() {
  const stored: string[] = []
  const asked: {
    readonly ids: readonly string[]
    readonly answer: (times: number[]) => void
    readonly fail: (error: Error) => void
  }[] = []
  const floors = new LoadFloors()
  const loads = new SingleFlight<Lookup>(floors, (id, result) => {
    stored.push(`${id}@${result.kind === 'found' ? result.item.stamp.time : result.kind}`)
  })
  const ask = (ids: readonly string[]) =>
    new Promise<readonly Lookup[]>((resolve, reject) => {
      asked.push({
        ids,
        answer: (times) => resolve(ids.map((id, index) => found(id, times[index]!))),
        fail: reject,
      })
    })
  return {
    loads,
    floors,
    stored,
    asked,
    ask,
    run: (id: string, floor?: number) =>
      loads.run(id, floor === undefined ? undefined : stamp(floor), async () => (await ask([id]))[0]!),
  }
}

describe('SingleFlight', () => {
  it('loads once for all who ask meanwhile, and stores once [R4]', async () => {
    const { run, asked, stored, floors } = createWorld()
    const reads = [run('a'), run('a'), run('b'), run('a')]
    expect(asked.map(({ ids }) => ids)).toEqual([['a'], ['b']])
    asked[0]!.answer([1])
    asked[1]!.answer([2])
    const results = await Promise.all(reads)
    expect(results.map(({ verdict }) => verdict)).toEqual(['fresh', 'fresh', 'fresh', 'fresh'])
    expect(results[1]).toBe(results[0])
    expect(stored).toEqual(['a@1', 'b@2'])
    expect(floors.count).toBe(0)
    void run('a')
    expect(asked).toHaveLength(3)
  })

  it('starts a new load for a reader that comes after a write or delete [R2, P57]', async () => {
    const { run, asked, stored, floors } = createWorld()
    const before = run('a')
    floors.raise('a', stamp(5))
    const after = run('a')
    expect(asked).toHaveLength(2)
    const joined = run('a')
    expect(asked).toHaveLength(2)
    asked[1]!.answer([5])
    asked[0]!.answer([4])
    expect((await before).verdict).toBe('overtaken')
    expect((await after).verdict).toBe('fresh')
    expect(await joined).toBe(await after)
    expect(stored).toEqual(['a@5'])
  })

  it('starts a new load for a reader that knows more than the one that runs', async () => {
    const { run, asked } = createWorld()
    const [first, second] = [run('a', 3), run('a', 4)]
    expect(asked).toHaveLength(2)
    asked[0]!.answer([3])
    asked[1]!.answer([4])
    expect((await first).verdict).toBe('overtaken')
    expect((await second).verdict).toBe('fresh')
  })

  it('an older load that ends late does not take the place of the newer one', async () => {
    const { run, asked, floors } = createWorld()
    const old = run('a')
    floors.raise('a', stamp(2))
    const current = run('a')
    asked[0]!.answer([1])
    await old
    const third = run('a')
    expect(asked).toHaveLength(2)
    asked[1]!.answer([2])
    expect(await third).toBe(await current)
  })

  it('rejects for all who joined, and loads anew afterwards [R1]', async () => {
    const { run, asked, stored, loads, floors } = createWorld()
    const reads = Promise.allSettled([run('a'), run('a')])
    const error = new Error('down')
    asked[0]!.fail(error)
    expect(await reads).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    expect(stored).toEqual([])
    expect(floors.count).toBe(0)
    const again = run('a')
    asked[1]!.answer([1])
    expect((await again).verdict).toBe('fresh')
    await expect(
      loads.run('b', undefined, () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(floors.count).toBe(0)
  })

  it('stores in the turn of the verdict: no write comes between', async () => {
    const { run, asked, stored, floors } = createWorld()
    const read = run('a')
    const order: string[] = []
    void read.then(() => order.push(`caller sees ${stored.join()}`))
    asked[0]!.answer([1])
    // The delete of somebody else, in whatever turn it comes: either the floor is up, or the item is stored.
    for (let turn = 0; turn < 10; turn++) {
      await Promise.resolve()
      if (floors.count === 0) expect(stored).toEqual(['a@1'])
      else expect(stored).toEqual([])
    }
    expect(order).toEqual(['caller sees a@1'])
  })

  it('loads many with one call, joins what runs, and asks nothing for nothing', async () => {
    const { loads, run, ask, asked, stored, floors } = createWorld()
    const single = run('b')
    const many = loads.runMany(
      ['a', 'b', 'c', 'a'].map((id) => ({ id, knownFloor: undefined })),
      ask,
    )
    const joining = run('c')
    await Promise.resolve()
    expect(asked.map(({ ids }) => ids)).toEqual([['b'], ['a', 'c']])
    floors.raise('c', stamp(9))
    asked[1]!.answer([1, 3])
    asked[0]!.answer([2])
    const results = await many
    expect(
      results.map(({ result, verdict }) => [result.kind === 'found' && result.item.id, verdict]),
    ).toEqual([
      ['a', 'fresh'],
      ['b', 'fresh'],
      ['c', 'overtaken'],
      ['a', 'fresh'],
    ])
    expect(await joining).toBe(results[2])
    expect(results[1]).toBe(await single)
    expect(stored.sort()).toEqual(['a@1', 'b@2'])
    expect(await loads.runMany([], ask)).toEqual([])
    expect(asked).toHaveLength(2)
    expect(floors.count).toBe(0)
  })

  it('rejects a batch as a whole when its load fails, and forgets it', async () => {
    const { loads, ask, asked, floors } = createWorld()
    const many = loads.runMany(
      ['a', 'b'].map((id) => ({ id, knownFloor: undefined })),
      ask,
    )
    await Promise.resolve()
    asked[0]!.fail(new Error('down'))
    await expect(many).rejects.toThrow('down')
    expect(floors.count).toBe(0)
  })
})
