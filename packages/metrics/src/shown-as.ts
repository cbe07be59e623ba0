import { INSPECT, inspectAs, type Inspector } from '@se/core'

/** What an object that holds an SDK's meter shows of itself: the meter has circles, which JSON refuses. */
export function shownAs(name: string, fields: object): object {
  return {
    toJSON: () => fields,
    [INSPECT]: (depth: number | null, options: object, inspector: Inspector) =>
      inspectAs(name, fields, depth, options, inspector),
  }
}
