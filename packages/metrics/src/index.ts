export {
  CATALOG,
  ERROR_KINDS,
  OTHER_VALUE,
  scrapeName,
  type ErrorKind,
  type Instrument,
  type InstrumentKey,
  type InstrumentKind,
} from './catalog.ts'
export { createMetricsObserver, type MetricsObserver } from './metrics-observer.ts'
export type { MetricsOptions, NoOptions } from './options.ts'
