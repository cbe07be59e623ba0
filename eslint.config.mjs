/**
 * Arrows between projects, purity, and the few rules that catch bugs types cannot. Each ban names its replacement.
 * Formatting is Prettier's.
 */
import { builtinModules } from 'node:module'
import js from '@eslint/js'
import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

/** The arrows of docs/ARCHITECTURE.md: what each project may import. The bench and test kits are for tests and benches only (see below). */
const arrows = {
  core: [],
  merkle: ['core'],
  cuckoo: ['core'],
  wal: ['core'],
  'tiers-redis': ['core', 'merkle'],
  'tiers-mysql': ['core', 'merkle'],
  engine: ['core', 'merkle', 'cuckoo', 'wal'],
  metrics: ['core', 'wal', 'engine'],
}

const tests = [
  '**/*.test.ts',
  '**/*.test-d.ts',
  '**/test/**',
  '**/bench/**',
  '**/torture/**',
  '**/mutants/**',
]

const builtins = `^(node:.*|(${builtinModules.filter((name) => !name.startsWith('_')).join('|')}))$`

const supportImports = {
  regex: '^@se/(testkit|bench)(/|$)',
  message: 'Test kit and bench are unpublished: import them from tests, benches and tools only.',
}

/** What a pure file must not reach for, and what it takes instead. */
const pureRules = {
  '@typescript-eslint/no-restricted-imports': [
    'error',
    {
      patterns: [
        {
          regex: builtins,
          message:
            'Pure files know no Node module: take a FileSystem, Clock or Random from @se/core as a parameter (Node ones: @se/core/node); hash with @se/core/hash or @noble/hashes.',
        },
        supportImports,
      ],
    },
  ],
  'no-restricted-globals': [
    'error',
    { name: 'Buffer', message: 'Pure files run in a browser: use Uint8Array, DataView and TextEncoder.' },
    { name: 'process', message: 'Take the value as a parameter.' },
    { name: 'performance', message: 'Take a Clock from @se/core.' },
    ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
      name,
      message: 'Take a Clock from @se/core.',
    })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'Take a Clock from @se/core.' },
    { object: 'Math', property: 'random', message: 'Take a Random from @se/core.' },
  ],
}

const boundaries = nx.rules['enforce-module-boundaries']

/** The rule of the arrows. Without Nx's graph of the projects it would print a warning, and let every import pass. */
const nxThatNeedsItsGraph = {
  ...nx,
  rules: {
    ...nx.rules,
    'enforce-module-boundaries': {
      ...boundaries,
      create(context) {
        const visitor = boundaries.create(context)
        if (globalThis.projectGraph === undefined)
          throw new Error(
            'the graph of the projects is missing: run `npx nx show projects`, then ESLint again',
          )
        return visitor
      },
    },
  },
}

export default tseslint.config(
  {
    ignores: [
      '**/dist',
      '**/out-tsc',
      '**/reports',
      '**/coverage',
      '**/.nx',
      'testdata',
      '**/vitest.config.*.timestamp*',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { ...js.configs.recommended, files: ['**/*.ts'] },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nxThatNeedsItsGraph },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off', // noUncheckedIndexedAccess in hot loops: the bound is checked at the loop's edge
      '@typescript-eslint/no-unused-vars': 'off', // the compiler refuses them
      eqeqeq: 'error',
      'no-await-in-loop': 'off',
      'no-constant-binary-expression': 'error',
      'no-nested-ternary': 'error', // early returns, or a table
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'array-callback-return': 'error',
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: ['^#'], // a package's own `imports`: its choice by platform, no edge
          enforceBuildableLibDependency: false,
          depConstraints: [
            ...Object.entries(arrows).map(([project, targets]) => ({
              sourceTag: `scope:${project}`,
              onlyDependOnLibsWithTags: [...targets.map((target) => `scope:${target}`), 'layer:support'],
            })),
            // The kits carry no engine code: the test kit shares core's errors and randomness, the bench shares nothing.
            { sourceTag: 'scope:testkit', onlyDependOnLibsWithTags: ['scope:core'] },
            { sourceTag: 'scope:bench', onlyDependOnLibsWithTags: [] },
            { sourceTag: 'layer:5', onlyDependOnLibsWithTags: ['type:package', 'layer:support'] },
            {
              sourceTag: 'layer:6',
              onlyDependOnLibsWithTags: ['type:package', 'type:composition', 'layer:support'],
            },
            { sourceTag: 'layer:tool', onlyDependOnLibsWithTags: ['*'] },
          ],
        },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
    ignores: tests,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [supportImports] }] },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: [...tests, '**/cli.ts'],
    rules: { 'no-console': 'error' }, // an observer or a logger passed in
  },
  {
    files: ['packages/engine/src/**/*.ts'],
    ignores: [...tests, 'packages/engine/src/deadline/**', 'packages/engine/src/testing/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          property: 'setTimer',
          message:
            'Only the deadline of a caller keeps the process alive [P70]: give the call one (withDeadline), and take clock.setBackgroundTimer or `within` for what runs beneath it.',
        },
      ],
    },
  },
  {
    files: [
      'packages/{core,merkle,cuckoo}/src/**/*.ts',
      'tools/testkit/src/history/**/*.ts',
      'tools/model/src/*/**/*.ts',
    ],
    ignores: [...tests, 'packages/core/src/{node,testing}/**', '**/*.node.ts'],
    rules: pureRules,
  },
  {
    files: tests,
    rules: { 'no-loss-of-precision': 'off' }, // tests show what becomes of such numbers
  },
  {
    // Settings of tools: no project owns them, so there are no types to check them with; tsconfig.config.json does that.
    files: ['**/*.config.ts', '*.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
  // A planted bug quotes the source, template strings included.
  { files: ['**/mutants.ts', '**/mutants/**'], rules: { 'no-template-curly-in-string': 'off' } },
)
