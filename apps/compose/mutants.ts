/** Deliberate defects of the apps' common wiring, and the test that notices each: `npm run mutants -- --only compose`. */
const SETTINGS = { test: 'src/settings.test.ts' }
const VARIABLES = { test: 'src/variables.test.ts' }
const URLS = { test: 'src/url.test.ts' }
const WIRE = { test: 'test/wire-engine.test.ts' }

export const mutants = [
  // credentials are shown [P49]
  {
    file: 'src/url.ts',
    find: "return `${protocol}//${host}${pathname === '/' ? '' : pathname}`",
    replace: 'return `${protocol}//${host}${pathname}${new URL(text).search}`',
    ...URLS,
  },
  {
    file: 'src/url.ts',
    find: '[password, decoded(password)]',
    replace: '[password]',
    ...URLS,
  },
  {
    file: 'src/url.ts',
    find: 'const parsed = URL.canParse(text) ? new URL(text) : undefined',
    replace: 'const parsed = new URL(text)',
    ...SETTINGS,
  },
  // a variable is taken for another, or by nobody [P77]
  {
    file: 'src/variables.ts',
    find: 'return environment[name] || undefined',
    replace: 'return environment[name]',
    ...SETTINGS,
  },
  {
    file: 'src/variables.ts',
    find: 'Object.hasOwn(known, name)) continue',
    replace: 'Object.hasOwn(TIER_VARIABLES, name)) continue',
    ...SETTINGS,
  },
  {
    file: 'src/variables.ts',
    find: 'OF_TESTS.test(name) ||',
    replace: '',
    ...VARIABLES,
  },
  {
    file: 'src/settings.ts',
    find: "readVariable(environment, 'INIT_CWD') ?? workingDirectory",
    replace: 'workingDirectory',
    ...SETTINGS,
  },
  // an engine that is not measured, or not as the app has set it
  {
    file: 'src/wire-engine.ts',
    find: '{ observer: observers.engine, logObserver: observers.log }',
    replace: '{ logObserver: observers.log }',
    ...WIRE,
  },
  { file: 'src/wire-engine.ts', find: '    ...options.engine,\n', replace: '', ...WIRE },
]
