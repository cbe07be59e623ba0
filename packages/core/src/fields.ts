import { InvalidConfig, InvalidInput } from './errors.ts'

/**
 * One table for each options object: it checks what a caller gives, fills in the defaults, refuses what is not a
 * field, and prints the table of the README. So the code, the message and the document cannot differ.
 */

/** One field of an options object. */
export interface Field<T> {
  /** What may be given, for the README and for messages: `integer from 1 to 10000`. */
  readonly allows: string
  /** The default as the README shows it; `undefined`: none. */
  readonly shownDefault: string | undefined
  /** One sentence: what the field is for, with its unit. */
  readonly meaning: string
  readonly isRequired: boolean
  /** Fields of a nested object. */
  readonly nested?: FieldTable
  /**
   * The checked value, or the default for `undefined`.
   *
   * @param path of the field, for the message: `flush.itemsMax`
   * @throws what `refuse` makes
   */
  parse(path: string, value: unknown, refuse: Refusal): T
}

export type FieldTable = Readonly<Record<string, Field<unknown>>>

/** What a table makes of what was given: every field is there, with its default where it has one. */
export type FieldValues<Table extends FieldTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Field<infer T> ? T : never
}

/** Makes the error for a field: `InvalidConfig` for what is read once, `InvalidInput` for what a call is given. */
export type Refusal = (path: string, message: string, details?: Readonly<Record<string, unknown>>) => Error

/** For the options of a constructor, a factory or a program. */
export const refuseConfig: Refusal = (path, message, details) => new InvalidConfig(path, message, details)
/** For the options of a call. */
export const refuseInput: Refusal = (path, message, details) => new InvalidInput(path, message, details)

interface Described {
  readonly meaning: string
}
interface WithDefault<T> extends Described {
  readonly default: T
}
interface Required extends Described {
  readonly isRequired: true
}

/** `{ default }`: always a value. `{ isRequired: true }`: must be given. Neither: may be absent. */
type Presence<T> = WithDefault<T> | Required | Described
type Result<T, P> = P extends { readonly default: unknown } | { readonly isRequired: true }
  ? T
  : T | undefined

interface NumberRange {
  readonly min: number
  readonly max: number
}

/** A whole number, limits included. */
export function integerField<P extends Presence<number>>(given: P & NumberRange): Field<Result<number, P>> {
  return numeric(given, `integer from ${given.min} to ${given.max}`, 'an integer', Number.isInteger)
}

/** A number with fraction, limits included. */
export function numberField<P extends Presence<number>>(given: P & NumberRange): Field<Result<number, P>> {
  return numeric(
    given,
    `number from ${given.min} to ${given.max}`,
    'a number',
    (value) => typeof value === 'number',
  )
}

export function booleanField<P extends Presence<boolean>>(given: P): Field<Result<boolean, P>> {
  return checked(given, 'true or false', (value) => typeof value === 'boolean')
}

/** A non-empty string. */
export function stringField<P extends Presence<string>>(given: P): Field<Result<string, P>> {
  return checked(given, 'non-empty string', (value) => typeof value === 'string' && value.length > 0)
}

/** A list of non-empty strings. */
export function stringsField<P extends Presence<readonly string[]>>(
  given: P,
): Field<Result<readonly string[], P>> {
  return checked(
    given,
    'list of non-empty strings',
    (value) => Array.isArray(value) && value.every((each) => typeof each === 'string' && each.length > 0),
  )
}

export function oneOfField<const T extends string, P extends Presence<T>>(
  given: P & { readonly allowed: readonly T[] },
): Field<Result<T, P>> {
  const { allowed } = given
  return checked(given, `one of ${allowed.join(', ')}`, (value) => allowed.includes(value as T))
}

/** An object that does something: a port, a client, a logger. Its methods are looked for, and nothing else. */
export function portField<T extends object, P extends Described | Required = Described>(
  given: P & { readonly methods: readonly string[]; readonly what: string },
): Field<Result<T, P>> {
  const { methods, what } = given
  return checked(
    given,
    what,
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  )
}

/** What only the caller can check: a function, a signal, an object of another library. */
export function otherField<T, P extends Presence<T> = Described>(
  given: P & { readonly what: string; readonly accepts: (value: unknown) => boolean },
): Field<Result<T, P>> {
  return checked(given, given.what, given.accepts)
}

/** An object with fields of its own; an absent one is read as an empty one. */
export function nestedField<Table extends FieldTable>(
  table: Table,
  meaning: string,
): Field<FieldValues<Table>> {
  return {
    allows: 'object',
    shownDefault: undefined,
    meaning,
    isRequired: Object.values(table).some((field) => field.isRequired),
    nested: table,
    parse: (path, value, refuse) => readFields(path, value === undefined ? {} : value, table, refuse),
  }
}

/**
 * Checks an options object against its table.
 *
 * @param path where the object stands, for messages; `''` for the outermost one
 * @returns every field with its value or default, frozen
 * @throws what `refuse` makes, naming the field, what it may be, or what fields there are
 */
export function readFields<Table extends FieldTable>(
  path: string,
  given: unknown,
  table: Table,
  refuse: Refusal = refuseConfig,
): FieldValues<Table> {
  return Object.freeze(fill(path, given, table, refuse))
}

/**
 * The same for the options of a call, which pays for what it gives alone: some 50 ns for one option.
 *
 * @returns every field with its value or default
 * @throws InvalidInput
 */
export function readCallFields<Table extends FieldTable>(given: unknown, table: Table): FieldValues<Table> {
  return fill('', given, table, refuseInput)
}

function fill<Table extends FieldTable>(
  path: string,
  given: unknown,
  table: Table,
  refuse: Refusal,
): FieldValues<Table> {
  checkNames(path, given, table, refuse)
  const { defaults, required } = restOf(table)
  const values = { ...defaults }
  for (const name of namesOf(given)) {
    values[name] = table[name]!.parse(joined(path, name), given[name], refuse)
  }
  for (const name of required) {
    if (given[name] === undefined) values[name] = table[name]!.parse(joined(path, name), undefined, refuse)
  }
  return values as FieldValues<Table>
}

interface Rest {
  readonly defaults: Readonly<Record<string, unknown>>
  /** Fields that must be given, or have fields that must. */
  readonly required: readonly string[]
}

const rests = new WeakMap<FieldTable, Rest>()

/** What a table makes of what is not given. */
function restOf(table: FieldTable): Rest {
  const known = rests.get(table)
  if (known !== undefined) return known
  const defaults: Record<string, unknown> = {}
  const required: string[] = []
  for (const [name, field] of Object.entries(table)) {
    if (field.isRequired) required.push(name)
    // Also the required ones have their place, so that all values of a table are of one shape.
    defaults[name] = field.isRequired ? undefined : field.parse(name, undefined, refuseConfig)
  }
  const rest = { defaults, required }
  rests.set(table, rest)
  return rest
}

/**
 * Refuses names that are no field: with a typing error the default would be in force without a word [P77]. Alone, where the
 * values are checked by the part that uses them, it costs one look-up a name.
 */
export function checkNames(
  path: string,
  given: unknown,
  table: FieldTable,
  refuse: Refusal,
): asserts given is Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refuse(path === '' ? 'options' : path, `must be an object, not ${shown(given)}`)
  }
  if (Symbol.iterator in given) {
    throw refuse(path === '' ? 'options' : path, 'must be an object with fields, not a collection')
  }
  for (const name of namesOf(given)) {
    if (Object.hasOwn(table, name)) continue
    const names = Object.keys(table).join(', ')
    throw refuse(joined(path, name), `is not a field; there ${names === '' ? 'is none' : `are ${names}`}`)
  }
}

/**
 * What an object says, be it its own or inherited: defaults in a prototype, accessors of a class. Of a plain object, which
 * most are, its keys are all there is.
 */
function namesOf(given: object): readonly string[] {
  let prototype: object | null = Object.getPrototypeOf(given)
  if (prototype === Object.prototype || prototype === null) return Object.keys(given)
  const names = new Set(Object.keys(given))
  // Another realm has an Object.prototype of its own.
  while (prototype !== null && !Object.hasOwn(prototype, 'isPrototypeOf')) {
    for (const [name, { get, enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (enumerable === true || get !== undefined) names.add(name)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return [...names]
}

/** The README's table of an options object, in Markdown; nested objects in place, by their path. */
export function fieldsMarkdown(table: FieldTable): string {
  const lines = ['| field | may be | default | meaning |', '| --- | --- | --- | --- |']
  const add = (path: string, fields: FieldTable): void => {
    for (const [name, field] of Object.entries(fields)) {
      const here = joined(path, name)
      if (field.nested !== undefined) add(here, field.nested)
      else {
        const fallback = field.isRequired ? '_required_' : (field.shownDefault ?? '–')
        lines.push(`| \`${here}\` | ${field.allows} | ${fallback} | ${field.meaning} |`)
      }
    }
  }
  add('', table)
  return lines.join('\n')
}

function numeric<P extends Presence<number>>(
  given: P & NumberRange,
  allows: string,
  kind: string,
  isKind: (value: unknown) => boolean,
): Field<Result<number, P>> {
  const { min, max } = given
  return checked(
    given,
    allows,
    (value) => isKind(value) && (value as number) >= min && (value as number) <= max,
    { min, max },
    `${kind} from ${min} to ${max}`,
  )
}

function checked<T, P extends Presence<T>>(
  given: P,
  allows: string,
  accepts: (value: unknown) => boolean,
  details?: Readonly<Record<string, unknown>>,
  must: string = allows.startsWith('one of') || allows.startsWith('true') ? allows : withArticle(allows),
): Field<Result<T, P>> {
  const fallback = 'default' in given ? given.default : undefined
  const isRequired = 'isRequired' in given
  return {
    allows,
    shownDefault: fallback === undefined ? undefined : showDefault(fallback),
    meaning: given.meaning,
    isRequired,
    parse(path, value, refuse) {
      if (value === undefined && !isRequired) return fallback as Result<T, P>
      if (!accepts(value)) throw refuse(path, `must be ${must}, not ${shown(value)}`, details)
      return value as Result<T, P>
    },
  }
}

function withArticle(what: string): string {
  return /^(a|an|the) /.test(what) ? what : `a ${what}`
}

function showDefault(value: unknown): string {
  if (!Array.isArray(value)) return String(value)
  return value.length === 0 ? 'none' : value.join(', ')
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** A value in a message: its type for anything long, so that a secret in the wrong field is not printed. */
function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) {
    return String(value)
  }
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return value === '' ? 'an empty one' : `a ${typeof value}`
}
