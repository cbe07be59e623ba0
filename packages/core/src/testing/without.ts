/** A tier that lacks some of its powers, whatever its type says. */
export function without<T extends object>(tier: T, powers: readonly (keyof T)[]): T {
  return new Proxy(tier, {
    get(target, name) {
      if (powers.includes(name as keyof T)) return undefined
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
