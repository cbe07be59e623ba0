/** Deliberate defects of the server, and the test that notices each: `npm run mutants -- --only server`. */
const ROUTES = { test: 'test/routes.test.ts' }
const CONFIG = { test: 'test/config.test.ts' }
const PAGE = { test: 'test/errors-page.test.ts' }
const ITEMS = { test: 'test/server.test.ts' }

export const mutants = [
  // an error is told as absence, or as worth another try [R1]
  {
    file: 'src/http-errors.ts',
    find: 'SE_TIER_UNAVAILABLE: { status: 503, retryAfterSeconds: 1 }',
    replace: 'SE_TIER_UNAVAILABLE: { status: 404 }',
    ...ROUTES,
  },
  {
    file: 'src/http-errors.ts',
    find: 'SE_INSTANCE_FENCED: { status: 503 }',
    replace: 'SE_INSTANCE_FENCED: { status: 503, retryAfterSeconds: 1 }',
    ...ROUTES,
  },
  // the page says something else than the server does
  {
    file: 'src/http-errors.ts',
    find: 'SE_LOG_RECORD_TOO_LARGE: { status: 413 }',
    replace: 'SE_LOG_RECORD_TOO_LARGE: { status: 400 }',
    ...PAGE,
  },
  {
    file: 'src/http-errors.ts',
    find: '  SE_WRONG_PHASE: { status: 503, retryAfterSeconds: 1 },\n',
    replace: '',
    ...PAGE,
  },
  // a message that may quote anything is sent
  {
    file: 'src/http-errors.ts',
    find: 'return answerOfFramework(error) ?? UNEXPECTED',
    replace: 'return answerOfFramework(error) ?? { ...UNEXPECTED, message: (error as Error).message }',
    ...ROUTES,
  },
  // a request leaves its id in the log
  {
    file: 'src/app.ts',
    find: 'disableRequestLogging: true',
    replace: 'disableRequestLogging: false',
    ...ROUTES,
  },
  // a condition is ignored: a lost update for whoever relies on it
  {
    file: 'src/routes/items.ts',
    find: 'if (headers[name] !== undefined) throw',
    replace: 'if (headers[name] === "") throw',
    ...ROUTES,
  },
  // a parameter that nobody reads is taken [P77]
  {
    file: 'src/routes/items.ts',
    find: 'querystring: z.strictObject({}),',
    replace: 'querystring: z.object({}),',
    ...ROUTES,
  },
  // traffic for a process that is about to end, or whose archive is down
  { file: 'src/readiness.ts', find: 'if (isStopping) return', replace: 'if (false) return', ...ROUTES },
  {
    file: 'src/readiness.ts',
    find: 'status.gauges.backendHealthy[archiveBackend] !== true',
    replace: 'Object.values(status.gauges.backendHealthy).every((isHealthy) => !isHealthy)',
    ...ROUTES,
  },
  // a limit that does not hold
  {
    file: 'src/config.ts',
    find: 'if (!(value <= limits.max)) throw',
    replace: 'if (value > limits.max) throw',
    ...CONFIG,
  },
  // what was put comes back as something else, or is run by a browser
  { file: 'src/routes/items.ts', find: 'tag === `W/${etag}`', replace: 'false', ...ITEMS },
  {
    file: 'src/routes/items.ts',
    find: "      .header('content-security-policy', 'sandbox')\n",
    replace: '',
    ...ITEMS,
  },
  {
    file: 'src/routes/items.ts',
    find: "contentType === '' ? 'application/octet-stream' : contentType",
    replace: "'application/octet-stream'",
    ...ITEMS,
  },
]
