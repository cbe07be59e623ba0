import type { Backend, BreakerState, ViewName } from './events.ts'

/** Value of the gauge `sync_engine_circuit_breaker_state`. */
export const BREAKER_GAUGE: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 0.5, open: 1 }

/** Everything that is pulled, at one moment. */
export interface EngineGauges {
  readonly l1Items: number
  /** What L1 accounts for, bytes. */
  readonly l1Bytes: number
  /** 0 … 1: part of L1's bound that cannot be evicted. */
  readonly memoryPressure: number
  /** 0 … 1: part of the pending bound in use; at 1 writers wait or are refused. */
  readonly backpressureLevel: number
  /** Ids in the filter. */
  readonly filterEntries: number
  /** 0 … 1: slots in use. */
  readonly filterLoad: number
  /** Acknowledged and not yet in L3. */
  readonly pendingItems: number
  /** Seconds since the oldest pending item was acknowledged; 0 with none. */
  readonly pendingAgeSeconds: number
  /** Records of the log that are not released. */
  readonly walEntries: number
  /** What the log uses, bytes. */
  readonly walBytes: number
  /** Ledger rows each view has yet to apply. */
  readonly viewLagBatches: Readonly<Partial<Record<ViewName, number>>>
  readonly viewTrusted: Readonly<Partial<Record<ViewName, boolean>>>
  readonly backendHealthy: Readonly<Record<Backend, boolean>>
  readonly breakerState: Readonly<Record<Backend, BreakerState>>
}

/** The gauges of an engine that has not started. */
export const GAUGES_AT_REST: EngineGauges = {
  l1Items: 0,
  l1Bytes: 0,
  memoryPressure: 0,
  backpressureLevel: 0,
  filterEntries: 0,
  filterLoad: 0,
  pendingItems: 0,
  pendingAgeSeconds: 0,
  walEntries: 0,
  walBytes: 0,
  viewLagBatches: {},
  viewTrusted: {},
  backendHealthy: {},
  breakerState: {},
}
