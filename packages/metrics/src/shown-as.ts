import { INSPECT, inspectAs, type Inspector } from '@se/core'

/** The two methods by which an object says what is shown of it: to `JSON.stringify`, and to `console.log`. */
export interface Shown<Fields extends object> {
  toJSON(): Fields
  [INSPECT](depth: number | null, options: object, inspector: Inspector): string
}

/** What an object that holds an SDK's meter shows of itself: the meter has circles, which JSON refuses. */
export function shownAs<Fields extends object>(name: string, fields: Fields): Shown<Fields> {
  return {
    toJSON: () => fields,
    [INSPECT]: (depth: number | null, options: object, inspector: Inspector) =>
      inspectAs(name, fields, depth, options, inspector),
  }
}
