import { Server } from 'node:net'
import { createMetricsObserver } from '../src/index.ts'
import { createPrometheusMetrics } from '../src/prometheus.ts'
import { describe, expect, it, vi } from 'vitest'
import { RESTING } from './drive-every-metric.ts'

describe('a Prometheus scrape', () => {
  it('is the text format with the labels of the catalog and no others', async () => {
    const prometheus = createPrometheusMetrics()
    const { engine } = createMetricsObserver({ meter: prometheus.meter })
    engine.gauges?.(() => ({ ...RESTING, l1Items: 5, backendHealthy: { redis: true } }))
    engine.operation?.({ tier: 'L1', operation: 'submit', status: 'success', durationMs: 0.08 })
    engine.operation?.({ tier: 'L1', operation: 'submit', status: 'success', durationMs: 12_000 })
    const text = await prometheus.scrape()
    const lines = text.split('\n')
    expect(lines).toContain('sync_engine_operations_total{tier="L1",operation="submit",status="success"} 2')
    expect(lines).toContain('sync_engine_l1_cache_items 5')
    expect(lines).toContain('sync_engine_backend_healthy{backend="redis"} 1')
    expect(lines).toContain('# TYPE sync_engine_operation_seconds histogram')
    const bucket = (le: string, count: number) =>
      `sync_engine_operation_seconds_bucket{tier="L1",operation="submit",le="${le}"} ${count}`
    // 80 µs and 12 s: the boundaries are those of the catalog, from 1 µs to 10 s.
    expect(lines).toContain(bucket('0.000001', 0))
    expect(lines).toContain(bucket('0.00005', 0))
    expect(lines).toContain(bucket('0.0001', 1))
    expect(lines).toContain(bucket('10', 1))
    expect(lines).toContain(bucket('+Inf', 2))
    expect(text).not.toMatch(/otel_scope|target_info/)
    expect(text.endsWith('\n')).toBe(true)
    expect(prometheus.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    await prometheus.shutdown()
  })

  it('opens no port: it is mounted in the server that is there', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen').mockReturnThis()
    const prometheus = createPrometheusMetrics()
    await prometheus.scrape()
    expect(listen).not.toHaveBeenCalled()
    listen.mockRestore()
    await prometheus.shutdown()
  })
})
