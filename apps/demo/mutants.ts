/** Deliberate defects of the import that checks itself, and the test that notices each: `npm run mutants -- --only demo`. */
const LINES = { test: 'src/import/lines.test.ts' }
const RECORDS = { test: 'src/import/ndjson-line.test.ts' }
const READ_BACK = { test: 'src/import/read-back.test.ts' }
const IN_FLIGHT = { test: 'src/import/in-flight.test.ts' }

export const mutants = [
  // a line is lost, or two are one
  { file: 'src/import/lines.ts', find: 'if (length > 0) yield finish()', replace: '', ...LINES },
  { file: 'src/import/lines.ts', find: 'keep(chunk.subarray(start))', replace: 'start = 0', ...LINES },
  { file: 'src/import/lines.ts', find: '    isTooLong = false\n    return', replace: '    return', ...LINES },
  {
    file: 'src/import/lines.ts',
    find: 'if (bytes.at(-1) === CARRIAGE_RETURN)',
    replace: 'if (false)',
    ...LINES,
  },
  {
    file: 'src/import/lines.ts',
    find: 'number === 0 && bytes.subarray(0, 3)',
    replace: 'bytes.subarray(0, 3)',
    ...LINES,
  },
  // the text of another member, or half a text, is taken for the value [P16]
  { file: 'src/import/ndjson-line.ts', find: "if (text[at] === '\\\\') at++", replace: '', ...RECORDS },
  {
    file: 'src/import/ndjson-line.ts',
    find: 'if (key === name) found =',
    replace: 'if (key === name) found ??=',
    ...RECORDS,
  },
  {
    file: 'src/import/ndjson-line.ts',
    find: 'const key = JSON.parse(line.slice(at, keyEnd)) as string',
    replace: 'const key = line.slice(at + 1, keyEnd - 1)',
    ...RECORDS,
  },
  // the check of what was imported sees less than there is
  { file: 'src/import/read-back.ts', find: 'if (chunk.length > 0) yield chunk', replace: '', ...READ_BACK },
  {
    file: 'src/import/read-back.ts',
    find: 'if (chunk.length > 0) yield chunk',
    replace: 'yield chunk',
    ...READ_BACK,
  },
  {
    file: 'src/import/read-back.ts',
    find: 'done += chunk.length',
    replace: 'done = chunk.length',
    ...READ_BACK,
  },
  {
    file: 'src/import/read-back.ts',
    find: 'if (item === undefined) missing.push(id)',
    replace: 'if (item === undefined) equal++',
    ...READ_BACK,
  },
  {
    file: 'src/import/expected-items.ts',
    find: "bytes.length === expected.bytes && hash('sha256', bytes, 'hex') === expected.digest",
    replace: 'bytes.length === expected.bytes',
    ...READ_BACK,
  },
  // more calls at once than asked for
  {
    file: 'src/import/in-flight.ts',
    find: 'this.#count >= this.#max',
    replace: 'this.#count > this.#max',
    ...IN_FLIGHT,
  },
  {
    file: 'src/import/in-flight.ts',
    find: 'while (this.#count > 0) await',
    replace: 'if (this.#count > 0) await',
    ...IN_FLIGHT,
  },
  // a statement that did not come true counts as true
  {
    file: 'src/checks.ts',
    find: '      this.#failures.push(failure)\n',
    replace: '',
    test: 'src/checks.test.ts',
  },
  {
    file: 'src/checks.ts',
    find: 'Object.is(found, expected)',
    replace: 'found == expected',
    test: 'src/checks.test.ts',
  },
]
