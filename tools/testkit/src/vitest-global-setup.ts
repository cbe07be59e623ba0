import type { TestProject } from 'vitest/node'
import { acquireTestServices, type TestServer } from './services/acquire.ts'
import { RUN_VARIABLE } from './services/unique.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    seTestServices: { readonly sql: TestServer; readonly redis: TestServer }
  }
}

/**
 * Vitest global setup: servers for the run of one package, once, whatever the number of test files.
 *
 * When a surrounding run (`npm test`) has acquired them already, it only passes on what that found.
 *
 * @returns the teardown, which ends the servers
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env[RUN_VARIABLE] !== undefined) return async () => undefined
  const services = await acquireTestServices()
  Object.assign(process.env, services.env)
  project.provide('seTestServices', { sql: services.sql, redis: services.redis })
  return async () => {
    for (const name of Object.keys(services.env)) Reflect.deleteProperty(process.env, name)
    await services.release()
  }
}
