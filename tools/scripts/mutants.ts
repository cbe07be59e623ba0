/** Deliberate defects of the programs that judge the tests, and the test that notices each: `npm run mutants -- --only scripts`. */
const MUTATION = { test: 'src/mutation.test.ts' }
const PROMISES = { test: 'src/promises.test.ts' }
const PLAN = { test: 'src/check-plan.test.ts' }
const NEW = { test: 'src/new-package.test.ts', title: 'a new package' }
const REPORT = { test: 'src/test-report.test.ts' }

export const mutants = [
  // a bug that cannot be planted, or a test that does not run, counts as killed
  {
    file: 'src/mutation.ts',
    find: 'if (parts.length !== 2) {',
    replace: 'if (parts.length < 2) {',
    ...MUTATION,
  },
  {
    file: 'src/mutation.ts',
    find: 'if (unloaded !== undefined) return',
    replace: 'if (false) return',
    ...MUTATION,
  },
  {
    file: 'src/mutation.ts',
    find: "if (results.some(({ status }) => status === 'passed')) return",
    replace: 'if (results.length > 0) return',
    ...MUTATION,
  },
  // a tag before its sentence passes
  {
    file: 'src/promises.ts',
    find: 'ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {\n      const text',
    replace: 'ts.isStringLiteralLike(node)) {\n      const text',
    ...PROMISES,
  },
  // a check leaves out the tests of what no import reaches, or runs those of a project with a similar name
  {
    file: 'src/check-plan.ts',
    find: "own.every((file) => file.endsWith('.ts')) ? own : []",
    replace: 'own',
    ...PLAN,
  },
  { file: 'src/check-plan.ts', find: '`${project}/`', replace: '`${project}`', ...PLAN },
  // a new package stands beside what it sees, or is written over another one
  {
    file: 'src/new-package.ts',
    find: 'seen.map((project) => project.layer ?? 0)) + 1',
    replace: 'seen.map((project) => project.layer ?? 0))',
    ...NEW,
  },
  {
    file: 'src/new-package.ts',
    find: 'if (after === undefined || more.length > 0) {',
    replace: 'if (more.length > 0) {',
    ...NEW,
  },
  {
    file: 'src/new-package.ts',
    find: '[...new Set(given.sees.split(',
    replace: '[...Array.from(given.sees.split(',
    ...NEW,
  },
  {
    file: 'src/new-package.ts',
    find: "about.trim() === '' || ",
    replace: '',
    ...NEW,
  },
  {
    file: 'src/new-package.ts',
    find: 'const found = packages.find(',
    replace: 'const found = projects.find(',
    ...NEW,
  },
  // a worker in an endless loop outlives its run
  {
    file: 'src/run-process.ts',
    find: 'process.kill(-child.pid!',
    replace: 'process.kill(child.pid!',
    test: 'src/run-process.test.ts',
  },
  // a pitfall without a test passes
  { file: 'src/promises.ts', find: '!carried.has(number)', replace: 'false', ...PROMISES },
  {
    file: 'src/promises.ts',
    find: 'if (number !== `${letter}${expected}`)',
    replace: 'if (false)',
    ...PROMISES,
  },
  // a project that crashes reads as 0 failed
  {
    file: 'src/test-report.ts',
    find: "if (file.status === 'failed' && failedInFile.length === 0) {",
    replace: 'if (false) {',
    ...REPORT,
  },
  {
    file: 'src/test-report.ts',
    find: 'if (!report.success && failedTitles.length === failedBefore) {',
    replace: 'if (false) {',
    ...REPORT,
  },
  {
    file: 'src/sim-plan.ts',
    find: 'SWITCHES.every((name) => switches.includes(name))',
    replace: 'switches.length > 0',
    test: 'src/sim-plan.test.ts',
  },
  {
    file: 'src/sim-plan.ts',
    find: '([, given]) => given !== undefined',
    replace: '([, given]) => given === null',
    test: 'src/sim-plan.test.ts',
  },
]
