import { describe, expect, it, vi } from 'vitest'
import { combineObservers } from './combine-observers.ts'
import { silentObserver, type EngineObserver } from './observer.ts'

describe('combineObservers', () => {
  it('leaves methods undefined that nobody listens to, so that events are never made', () => {
    const combined = combineObservers([silentObserver, { evicted() {} }])
    let made = 0
    const event = () => {
      made += 1
      return { count: 1 }
    }
    combined.superseded?.(event())
    expect(made).toBe(0)
    combined.evicted?.(event())
    expect(made).toBe(1)
    expect(Object.keys(combined)).toEqual(['evicted'])
  })

  it('tells every listener, in order, with its own `this`', () => {
    const heard: string[] = []
    class Counting implements EngineObserver {
      readonly name: string
      constructor(name: string) {
        this.name = name
      }
      evicted({ count }: { readonly count: number }) {
        heard.push(`${this.name} ${count}`)
      }
      falsePositive() {
        heard.push(`${this.name} false positive`)
      }
    }
    const combined = combineObservers([new Counting('a'), new Counting('b')])
    combined.evicted?.({ count: 3 })
    combined.falsePositive?.()
    expect(heard).toEqual(['a 3', 'b 3', 'a false positive', 'b false positive'])
  })

  it('reports what an observer throws as a warning, and tells the others', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      const heard: number[] = []
      const broken: EngineObserver = {
        evicted() {
          throw new Error('broken')
        },
      }
      const listening: EngineObserver = { evicted: ({ count }) => void heard.push(count) }
      combineObservers([broken, listening]).evicted?.({ count: 3 })
      combineObservers([broken]).evicted?.({ count: 4 })
      expect(heard).toEqual([3])
      expect(warn.mock.calls).toEqual([
        ["the engine's observer threw in evicted: Error: broken", 'SeEngineObserver'],
        ["the engine's observer threw in evicted: Error: broken", 'SeEngineObserver'],
      ])
    } finally {
      warn.mockRestore()
    }
  })

  it('hands the gauges to each observer once', () => {
    const readers: unknown[] = []
    const listener: EngineObserver = { gauges: (read) => void readers.push(read) }
    const read = () => {
      throw new Error('not read at creation')
    }
    combineObservers([listener, listener]).gauges?.(read)
    expect(readers).toEqual([read, read])
  })
})
