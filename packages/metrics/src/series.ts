import type { Attributes } from '@opentelemetry/api'
import { OTHER_VALUE, type Instrument } from './catalog.ts'

/**
 * The series of one instrument: one cell for each combination of label values that has occurred.
 *
 * A combination is looked up by its values, without making an object or a string, because this runs on every read from
 * memory. A value the catalog does not have leads to the cell of `other` and is not remembered, so cells are bounded by
 * the catalog, for any value that is passed in [P48].
 */
export class Series<Cell> {
  readonly #labels: readonly (readonly [name: string, values: readonly string[]])[]
  readonly #make: (attributes: Attributes) => Cell
  readonly #known = new Map<string, Map<string, Map<string, Cell>>>()
  readonly #cells: Cell[] = []

  /** @param make a cell for label values that occur for the first time; the attributes may be kept */
  constructor(instrument: Pick<Instrument, 'labels'>, make: (attributes: Attributes) => Cell) {
    this.#labels = Object.entries(instrument.labels)
    this.#make = make
  }

  /** Every cell made so far. */
  get cells(): readonly Cell[] {
    return this.#cells
  }

  /** The cell of up to three label values, in the catalog's order; those that the instrument lacks are left out. */
  at(first = '', second = '', third = ''): Cell {
    return this.#known.get(first)?.get(second)?.get(third) ?? this.#atAllowed(first, second, third)
  }

  #atAllowed(...given: readonly [string, string, string]): Cell {
    const values = given.map((value, index) => this.#allowed(index, value))
    const [first, second, third] = values as [string, string, string]
    let bySecond = this.#known.get(first)
    if (bySecond === undefined) this.#known.set(first, (bySecond = new Map()))
    let byThird = bySecond.get(second)
    if (byThird === undefined) bySecond.set(second, (byThird = new Map()))
    let cell = byThird.get(third)
    if (cell === undefined) {
      cell = this.#make(
        Object.freeze(Object.fromEntries(this.#labels.map(([name], index) => [name, values[index]]))),
      )
      byThird.set(third, cell)
      this.#cells.push(cell)
    }
    return cell
  }

  #allowed(index: number, value: string): string {
    const label = this.#labels[index]
    if (label === undefined) return ''
    return label[1].includes(value) ? value : OTHER_VALUE
  }
}
