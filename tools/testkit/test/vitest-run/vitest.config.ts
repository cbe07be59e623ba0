import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Run by vitest.test.ts in a process of its own: a project that needs servers, as the packages are.
export default defineConfig({
  ssr: { resolve: { conditions: ['@se/source', ...defaultServerConditions] } },
  environments: { __vitest__: { resolve: { conditions: ['@se/source', ...defaultServerConditions] } } },
  test: {
    include: ['*.inner.ts'],
    pool: 'forks',
    globalSetup: ['../../src/vitest-global-setup.ts'],
    reporters: ['json'],
  },
})
