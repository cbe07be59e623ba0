/** An entry the demo writes: its value's JSON text is what every tier must give back. */
export interface Sample {
  readonly id: string
  readonly value: Readonly<Record<string, unknown>>
}

export const SAMPLES: readonly Sample[] = [
  { id: 'user.alice', value: { name: 'Alice', role: 'admin' } },
  { id: 'user.bob', value: { name: 'Bob', role: 'user' } },
  { id: 'user.carol', value: { name: 'Carol', role: 'user' } },
  { id: 'config.app', value: { theme: 'dark', version: '2.0' } },
  { id: 'stats.daily', value: { latency_p99: 12, requests: 42_000 } },
]

/** It is never written. */
export const ABSENT_ID = 'user.nobody'

/** The branches of every archive the demo and the import make; another set would be refused by it. */
export const BRANCHES: readonly string[] = ['user.']
