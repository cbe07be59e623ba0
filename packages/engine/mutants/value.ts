/** Deliberate defects of values, items and options, and the test that notices each. */
export const value = [
  // bytes of one's own [W11, P75]
  {
    file: 'src/kept-item.ts',
    find: 'if (!this.#isOwn) {',
    replace: 'if (this.#isOwn) {',
    test: 'test/engine.values.test.ts',
  },
  {
    file: 'src/item.ts',
    find: 'this.#bytes ??= new Uint8Array(this.#kept.bytes)',
    replace: 'this.#bytes ??= this.#kept.sharedBytes()',
    test: 'test/engine.values.test.ts',
  },
  {
    file: 'src/report.ts',
    find: 'return stamp && { time: stamp.time, instance: stamp.instance }',
    replace: 'return stamp',
    test: 'test/engine.values.test.ts',
  },
  {
    file: 'src/value/bytes.ts',
    find: 'if (value.byteLength === 0) mustBeThere(value)',
    replace: '',
    test: 'src/value/bytes.test.ts',
  },
  // what JSON loses [P76]
  {
    file: 'src/value/json-text.ts',
    find: 'return Number.isFinite(value)',
    replace: 'return true',
    test: 'src/value/json-text.property.test.ts',
  },
  {
    file: 'src/value/json-text.ts',
    find: 'return prototype === Date.prototype && Number.isFinite((object as Date).getTime())',
    replace: 'return prototype === Date.prototype',
    test: 'src/value/json-text.property.test.ts',
  },
  {
    file: 'src/value/json-text.ts',
    find: 'Object.getPrototypeOf(list) !== Array.prototype || hasNames(list)',
    replace: 'Object.getPrototypeOf(list) !== Array.prototype',
    test: 'src/value/json-text.test.ts',
  },
  {
    file: 'src/value/plain-form.ts',
    find: "if (name !== '__proto__') plain[name] = member",
    replace: 'if (name.length > 0) plain[name] = member',
    test: 'src/value/json-text.property.test.ts',
  },
  {
    file: 'src/value/plain-form.ts',
    find: 'if (names.length === 0) {',
    replace: 'if (names.length < 0) {',
    test: 'src/value/json-text.property.test.ts',
  },
  {
    file: 'src/value/codec.ts',
    find: 'if (!isJson(type)) {',
    replace: 'if (false as boolean) {',
    test: 'src/value/codec.test.ts',
  },
  {
    file: 'src/value/codec.ts',
    find: "if (typeof (value as { then?: unknown } | null | undefined)?.then === 'function') {",
    replace: 'if (false as boolean) {',
    test: 'src/value/codec.test.ts',
  },
  {
    file: 'src/config.ts',
    find: 'if (isOfCodec(codec, CONTENT_TYPE_BINARY)) {',
    replace: 'if (false as boolean) {',
    test: 'test/engine.values.test.ts',
  },
  // words that are not understood, reports that say nothing [P77]
  {
    file: 'src/call-options.ts',
    find: 'return (given) => (given === undefined ? defaults : readCallFields(given, table))',
    replace: 'return (given) => ({ ...defaults, ...(given as object) })',
    test: 'src/call-options.test.ts',
  },
  {
    file: 'src/item.ts',
    find: 'const value = isOfCodec(this.#codec, this.contentType) ? undefined : this.#readable()',
    replace: 'const value = this.#readable()',
    test: 'src/item.test.ts',
  },
]
