/** Deliberate defects of the metrics, and the test that notices each: `npm run mutants -- --only metrics`. */
export const mutants = [
  // A label value that the catalog does not have makes a series of its own [P48].
  {
    file: 'src/series.ts',
    find: 'label[1].includes(value) ? value : OTHER_VALUE',
    replace: 'value',
    test: 'test/metrics-observer.test.ts',
  },
  // Values that differ in the last label only fall together.
  {
    file: 'src/series.ts',
    find: 'byThird.set(third, cell)',
    replace: "byThird.set('', cell)",
    test: 'test/metrics-observer.test.ts',
  },
  // Milliseconds are reported as seconds.
  {
    file: 'src/metrics-observer.ts',
    find: 'record.walSyncSeconds(durationMs / 1_000)',
    replace: 'record.walSyncSeconds(durationMs)',
    test: 'test/metrics-observer.test.ts',
  },
  // A counter counts events where it should count items.
  {
    file: 'src/metrics-observer.ts',
    find: 'sums.evictions.at().value += count',
    replace: 'sums.evictions.at().value += 1',
    test: 'test/metrics-observer.test.ts',
  },
  // A metric of the catalog that nothing moves.
  {
    file: 'src/metrics-observer.ts',
    find: "observe('pendingAge', gauges.pendingAgeSeconds)",
    replace: '',
    test: 'test/metrics-observer.test.ts',
  },
  // An engine that has been replaced is still read.
  {
    file: 'src/metrics-observer.ts',
    find: '      detach()\n      report = (result)',
    replace: '      report = (result)',
    test: 'test/metrics-observer.test.ts',
  },
  // The buckets of the SDK instead of ours.
  {
    file: 'src/metrics-observer.ts',
    find: 'advice: { explicitBucketBoundaries: [...boundaries] }',
    replace: 'advice: {}',
    test: 'test/prometheus.test.ts',
  },
  // Scope labels and target_info in the scrape.
  {
    file: 'src/prometheus.ts',
    find: 'undefined, true, true)',
    replace: 'undefined, false, false)',
    test: 'test/prometheus.test.ts',
  },
  // A server of its own.
  {
    file: 'src/prometheus.ts',
    find: 'preventServerStart: true',
    replace: 'preventServerStart: false',
    test: 'test/prometheus.test.ts',
  },
  // A page that has fallen behind the catalog.
  {
    file: 'src/catalog.ts',
    find: "description: 'Bytes of the log in use'",
    replace: "description: 'Bytes of the log'",
    test: 'test/catalog.test.ts',
  },
  // an option that there is not is taken without a word [P77]
  { file: 'src/prometheus.ts', find: 'readOptions(options, {})', replace: '', test: 'test/options.test.ts' },
  // what is given back shows the SDK's inside, with circles [P77]
  {
    file: 'src/prometheus.ts',
    find: "...shownAs('PrometheusMetrics', { contentType: CONTENT_TYPE }),",
    replace: '',
    test: 'test/options.test.ts',
  },
]
