import { isAnyArrayBuffer } from 'node:util/types'
import { InvalidInput } from '@se/core'
import { nameOf, whyLost } from './losses.ts'

export interface PlainLimits {
  /** Members within members. */
  readonly depthMax: number
  /** Members in all. */
  readonly membersMax: number
}

/**
 * What JSON will write of a value, as plain objects and lists: each member was asked for once, so what was looked at is what
 * is written. Refused is, with its path, what JSON would drop, empty, or turn into something else [P76].
 *
 * @throws InvalidInput naming the path and what to do
 */
export function plainForm(value: unknown, limits: PlainLimits): unknown {
  return new Walk(limits).root(value)
}

type PathPart = string | number | symbol

class Walk {
  readonly #limits: PlainLimits
  /** From the value to the member that is looked at. */
  readonly #path: PathPart[] = []
  /** The objects along it. */
  readonly #within: object[] = []
  #members = 0

  constructor(limits: PlainLimits) {
    this.#limits = limits
  }

  root(value: unknown): unknown {
    const plain = this.#plain(value)
    if (plain === undefined) this.#refuse('is undefined: store null, or delete the id')
    return plain
  }

  /** As few calls a level as may be: they are what the stack must hold. */
  #plain(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
      case 'undefined':
        return value
      case 'number':
        return Number.isFinite(value) ? value : this.#refuse(`is ${value}: JSON would make it null`)
      case 'symbol':
        return this.#refuse('is a symbol, which JSON does not have')
      case 'bigint':
      case 'function':
      case 'object':
        if (value === null) return null
    }
    try {
      const given = this.#asked(value)
      if (typeof given !== 'object' || given === null) return given
      this.#enter(given)
      const plain = Array.isArray(given) ? this.#list(given) : this.#object(given)
      this.#within.pop()
      return plain
    } catch (cause) {
      // A getter threw, a proxy was revoked.
      if (cause instanceof InvalidInput) throw cause
      return this.#refuse(`cannot be read: ${(cause as Error | undefined)?.name ?? typeof cause}`)
    }
  }

  /** What its `toJSON` gives stands for a value, as JSON has it, which asks once only. */
  #asked(value: bigint | object): unknown {
    if (isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) {
      this.#refuse('is bytes: store bytes as the value itself, or as text (base64) within JSON')
    }
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON !== 'function') return this.#unasked(value)
    if (value instanceof Date && Number.isNaN(value.getTime())) {
      this.#refuse('is an invalid Date: JSON would make it null')
    }
    const given: unknown = toJSON.call(value, String(this.#path.at(-1) ?? ''))
    if (given === undefined) this.#refuse('has a toJSON that gives undefined')
    return typeof given === 'object' ? given : this.#unasked(given)
  }

  #unasked(value: unknown): unknown {
    if (typeof value === 'bigint') this.#refuse('is a BigInt, which JSON does not have: store it as a string')
    if (typeof value === 'function') this.#refuse('is a function, which JSON does not have')
    return typeof value === 'object' ? value : this.#plain(value)
  }

  #enter(object: object): void {
    const above = this.#within.indexOf(object)
    if (above >= 0) this.#refuse(`contains itself: it is ${pathText(this.#path.slice(0, above))}`)
    const { depthMax } = this.#limits
    if (this.#within.length >= depthMax) this.#refuse(`is nested more than ${depthMax} deep`)
    this.#within.push(object)
  }

  #list(list: readonly unknown[]): unknown {
    this.#refuseSymbols(list)
    for (const name of Object.keys(list)) {
      if (isPlaceIn(list, name)) continue
      this.#path.push(name)
      this.#refuse('is not in the order of its list: JSON would leave it out')
    }
    this.#count(list.length)
    const plain: unknown[] = []
    for (let place = 0; place < list.length; place++) {
      this.#path.push(place)
      const member = list[place]
      if (member === undefined)
        this.#refuse(`is ${place in list ? 'undefined' : 'a hole'}: JSON would make it null`)
      plain.push(this.#plain(member))
      this.#path.pop()
    }
    return plain
  }

  #object(object: object): unknown {
    const lost = whyLost(object)
    if (lost !== undefined) this.#refuse(lost)
    this.#refuseSymbols(object)
    const names = Object.keys(object)
    this.#count(names.length)
    const plain: Record<string, unknown> = {}
    for (const name of names) {
      this.#path.push(name)
      const member = this.#plain((object as Record<string, unknown>)[name])
      this.#path.pop()
      if (name !== '__proto__') plain[name] = member
      // Assigned, it would be the prototype.
      else Object.defineProperty(plain, name, { value: member, enumerable: true })
    }
    if (!isPlainPrototype(Object.getPrototypeOf(object))) {
      if (names.length === 0) {
        this.#refuse(
          `is ${nameOf(object)} without fields of its own: JSON would make it {}; give it a toJSON`,
        )
      }
      this.#refuseInherited(object)
    }
    return plain
  }

  #count(members: number): void {
    const { membersMax } = this.#limits
    this.#members += members
    if (this.#members > membersMax) {
      this.#refuse(`has more than ${membersMax} members in all, and each takes a byte at least`)
    }
  }

  #refuseSymbols(object: object): void {
    for (const symbol of Object.getOwnPropertySymbols(object)) {
      if (!Object.prototype.propertyIsEnumerable.call(object, symbol)) continue
      this.#path.push(symbol)
      this.#refuse('is under a symbol: JSON would leave it out')
    }
  }

  #refuseInherited(object: object): void {
    for (const name in object) {
      if (Object.hasOwn(object, name)) continue
      if (typeof (object as Record<string, unknown>)[name] === 'function') continue
      this.#path.push(name)
      this.#refuse('is inherited: JSON would leave it out')
    }
  }

  #refuse(what: string): never {
    const path = pathText(this.#path)
    throw new InvalidInput('value', `${path} ${what}`, { path })
  }
}

/** None, or that of plain objects, in this realm or another. */
function isPlainPrototype(prototype: object | null): boolean {
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Keys of a list come in order, those of its places first. */
function isPlaceIn(list: readonly unknown[], name: string): boolean {
  const place = Number(name) >>> 0
  return place < list.length && String(place) === name
}

const STEPS_SHOWN = 20

/** `value.users[3]["born in"]`; a long path is cut in the middle. */
function pathText(path: readonly PathPart[]): string {
  const shown = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`
    if (typeof step === 'symbol') return `[${String(step)}]`
    return /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  })
  if (shown.length > STEPS_SHOWN) shown.splice(STEPS_SHOWN / 2, shown.length - STEPS_SHOWN, ' … ')
  return `value${shown.join('')}`
}
