import { describe, expect, it } from 'vitest'
import { Counter, Gauge, Histogram } from './prometheus'

describe('the text format of Prometheus', () => {
  it('has counters by labels, with what has not happened yet as 0', () => {
    const counter = new Counter(
      'a:b_total',
      'What it counts.',
      { model: 'm' },
      { initial: [{ why: 'stop' }, { why: 'x' }] },
    )
    counter.add(2, { why: 'stop' })
    counter.add(3, { why: 'stop' })
    expect(counter.total).toBe(5)
    expect(counter.render()).toBe(
      '# HELP a:b_total What it counts.\n# TYPE a:b_total counter\n' +
        'a:b_total{model="m",why="stop"} 5\na:b_total{model="m",why="x"} 0\n',
    )
  })

  it('has gauges as they are when they are asked', () => {
    let value = 1
    const gauge = new Gauge('g', 'Now.', {}, () => value)
    value = 2.5
    expect(gauge.render()).toBe('# HELP g Now.\n# TYPE g gauge\ng 2.5\n')
  })

  it('has histograms that count up to each bound, the bound included', () => {
    const histogram = new Histogram('h', 'Sizes.', { model: 'm' }, [1, 2])
    for (const value of [0.5, 1, 1.5, 7]) histogram.observe(value)
    expect(histogram.render().split('\n').slice(2)).toEqual([
      'h_bucket{model="m",le="1"} 2',
      'h_bucket{model="m",le="2"} 3',
      'h_bucket{model="m",le="+Inf"} 4',
      'h_sum{model="m"} 10',
      'h_count{model="m"} 4',
      '',
    ])
  })

  it('escapes what labels may hold', () => {
    const counter = new Counter('c', 'C.', { model: 'a "b"\\\nc' })
    expect(counter.render()).toContain('c{model="a \\"b\\"\\\\\\nc"} 0')
  })
})
