/** One series with one value. */
export interface RawValue {
  /** As a Prometheus scrape shows it. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One series of a histogram. `sum`, `min` and `max` are in the unit of the metric: seconds, bytes or items. */
export interface RawHistogram {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** Everything at one moment, ordered by name and labels. */
export interface RawMetrics {
  readonly counters: readonly RawValue[]
  readonly gauges: readonly RawValue[]
  readonly histograms: readonly RawHistogram[]
}

/**
 * Raw metrics as text for people, without a trailing line break.
 *
 * @param indent put before every line
 */
export function formatRawMetrics(raw: RawMetrics, indent = ''): string {
  return [
    ...section('Counters (cumulative)', raw.counters, (counter) => [
      `${seriesName(counter)} = ${counter.value}`,
    ]),
    ...section('Gauges (current value)', raw.gauges, (gauge) => [
      `${seriesName(gauge)} = ${figure(gauge.value)}`,
    ]),
    ...section('Histograms (distributions)', raw.histograms, (histogram) => [
      seriesName(histogram),
      `  count=${histogram.count} sum=${figure(histogram.sum)} avg=${figure(histogram.sum / histogram.count)}` +
        ` min=${figure(histogram.min)} max=${figure(histogram.max)}`,
    ]),
  ]
    .map((line) => indent + line)
    .join('\n')
}

function section<Series>(
  title: string,
  series: readonly Series[],
  linesOf: (series: Series) => readonly string[],
): string[] {
  return [title, ...series.flatMap(linesOf).map((line) => `  ${line}`)]
}

function seriesName({ name, labels }: Pick<RawValue, 'name' | 'labels'>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`
}

/**
 * Four decimals, as long as they say something. A hit in memory takes a microsecond: with four decimals of a second it
 * would read 0.0000, so what is smaller shows its first three digits instead.
 */
function figure(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001 ? value.toPrecision(3) : value.toFixed(4)
}
