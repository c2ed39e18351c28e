import type { Context, Hono } from 'hono'
import type { Engine } from '../engine/engine'
import type { ServerMetrics } from '../metrics/server-metrics'

export interface HealthOptions {
  engine: Engine
  metrics: ServerMetrics
  /** Resolves when the first request can be answered at once. */
  ready: Promise<void>
}

/**
 * `/health`: whether the process is worth keeping, 503 once its device is lost. `/ready`: whether requests should be sent to it:
 * not before it is warm, not once it stops. For everybody: they say nothing of who asks for what.
 */
export function healthRoutes(app: Hono, { engine, ready }: HealthOptions): void {
  let warm = false
  ready.then(
    () => (warm = true),
    () => {},
  )
  app.get('/health', (c) => {
    if (engine.closed && engine.closed.code !== 'stopping') throw engine.closed
    const status = engine.closed ? 'stopping' : 'ok'
    return c.json({ status, running: engine.running, waiting: engine.waiting })
  })
  app.get('/ready', (c) => {
    if (engine.closed) throw engine.closed
    return c.json({ status: warm ? 'ready' : 'warming up' }, warm ? 200 : 503)
  })
}

/** `/metrics`, as Prometheus reads it. */
export const metricsText = (c: Context, { metrics }: Pick<HealthOptions, 'metrics'>) =>
  c.text(metrics.render(), 200, { 'content-type': 'text/plain; version=0.0.4' })
