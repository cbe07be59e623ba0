export {
  CATALOG,
  ERROR_KINDS,
  OTHER_VALUE,
  scrapeName,
  type Instrument,
  type InstrumentKey,
  type InstrumentKind,
} from './catalog.ts'
export { createMetricsObserver, type MetricsObserver, type MetricsOptions } from './metrics-observer.ts'
