import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Nx asks its tasks for colours. Tests that run programs compare what those print, so they must not inherit that.
delete process.env.FORCE_COLOR

export interface ProjectOptions {
  /** The project's tests talk to Redis or SQL: servers are started once a run, unless the environment names them. */
  readonly servers?: boolean
}

/** The Vitest settings every project shares. `project` is the Nx name: it names the report the root runner adds up. */
export function vitestProject(project: string, options: ProjectOptions = {}) {
  const serverConditions = ['@se/source', ...defaultServerConditions]
  return defineConfig({
    // The workspace is developed from source: '@se/source' is the first condition of every package's exports.
    resolve: { conditions: ['@se/source', ...defaultClientConditions] },
    ssr: { resolve: { conditions: serverConditions } },
    // Where Vitest runs a global setup.
    environments: { __vitest__: { resolve: { conditions: serverConditions } } },
    test: {
      name: project,
      include: ['{src,test}/**/*.test.ts'],
      passWithNoTests: true,
      pool: 'forks',
      maxWorkers: 2,
      // They end what hangs, and nothing that is only slow: ten processes at once on two cores take ten times as long.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      reporters: ['default', 'json'],
      outputFile: { json: fileURLToPath(new URL(`./reports/vitest/${project}.json`, import.meta.url)) },
      ...(options.servers === true
        ? {
            globalSetup: [
              fileURLToPath(new URL('./tools/testkit/src/vitest-global-setup.ts', import.meta.url)),
            ],
          }
        : {}),
    },
  })
}
