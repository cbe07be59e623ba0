import { compareIds, invariant } from '@se/core'

/** Holds that each id of a list is above the one before it, in byte order. */
export function invariantOrder<T>(list: readonly T[], idOf: (element: T) => string, fact: string): void {
  for (let index = 1; index < list.length; index++) {
    invariant(compareIds(idOf(list[index - 1]!), idOf(list[index]!)) < 0, fact, { index })
  }
}
