import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface Series {
  label: string
  values: readonly (number | null)[]
  /** A property of the style sheet. */
  colour: `--${string}`
  /** Thin lines stand behind; dots mark values that are few. */
  kind?: 'thin' | 'dots'
}

interface PlotProps {
  title: string
  /** What is drawn, in a sentence. */
  note: string
  /** Shared by all series. */
  steps: readonly number[]
  series: readonly Series[]
  /** Steps after which another training begins. */
  boundaries: readonly number[]
  /** The least range of values to show. */
  range?: readonly [number, number]
  digits?: number
}

/** Changes with the colours of the page: canvases must be drawn anew. */
const theme = signal(0)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme.value++)
new MutationObserver(() => theme.value++).observe(document.documentElement, { attributeFilter: ['style'] })

/** Curves over the steps of training, with their newest values in words. */
export function Plot({ title, note, steps, series, boundaries, range, digits = 2 }: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const at = useRef(boundaries)
  at.current = boundaries
  useEffect(() => {
    const element = box.current!
    const made = new uPlot(
      optionsOf(element, series, () => at.current, range),
      dataOf(steps, series),
      element,
    )
    plot.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
    }
  }, [theme.value])
  useEffect(() => plot.current?.setData(dataOf(steps, series)), [steps, series])
  const newest = series.map(({ values, ...rest }) => ({ ...rest, value: values.findLast((value) => value !== null) }))
  const words = newest.map(({ label, value }) => `${label} ${value == null ? 'unknown' : value.toFixed(digits)}`)
  return (
    <figure class="card plot">
      <figcaption>
        <h3>{title}</h3>
        <ul class="plot-keys">
          {newest
            .filter(({ kind }) => kind !== 'thin')
            .map(({ label, colour, kind, value }) => (
              <li key={label} data-kind={kind ?? 'line'} style={{ '--key': `var(${colour})` }}>
                {label} <strong>{value == null ? '–' : value.toFixed(digits)}</strong>
              </li>
            ))}
        </ul>
      </figcaption>
      <div class="plot-canvas" ref={box} role="img" aria-label={`${title} by step: ${words.join(', ')}.`} />
      <p class="hint">{note}</p>
    </figure>
  )
}

const height = 190

const dataOf = (steps: readonly number[], series: readonly Series[]): uPlot.AlignedData =>
  [steps, ...series.map(({ values }) => values)] as unknown as uPlot.AlignedData

function optionsOf(
  element: HTMLElement,
  series: readonly Series[],
  boundaries: () => readonly number[],
  range: PlotProps['range'],
): uPlot.Options {
  const colour = (property: string) => {
    // What light-dark() comes to is known of an element only.
    const probe = element.appendChild(document.createElement('i'))
    probe.style.color = `var(${property})`
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
  const [ink, line, strong] = [colour('--ink-soft'), colour('--line'), colour('--line-strong')]
  const font = `11px ${getComputedStyle(element).fontFamily}`
  const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, least, most) => [Math.min(least ?? 0, 0), Math.max(most ?? 0, 10)] },
      y: {
        range: (_, least, most) => [
          Math.min(least ?? Number.POSITIVE_INFINITY, range?.[0] ?? Number.POSITIVE_INFINITY),
          Math.max(most ?? Number.NEGATIVE_INFINITY, range?.[1] ?? Number.NEGATIVE_INFINITY),
        ],
      },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26 },
      { ...axis, size: 44 },
    ],
    series: [
      {},
      ...series.map(({ label, colour: property, kind }): uPlot.Series => {
        const stroke = colour(property)
        return {
          label,
          stroke,
          spanGaps: true,
          width: kind === 'thin' ? 1 : 2,
          alpha: kind === 'thin' ? 0.35 : 1,
          points: { show: kind === 'dots', size: 5, fill: stroke },
        }
      }),
    ],
    hooks: {
      drawAxes: [
        (plot) => {
          const { left, top, width, height: tall } = plot.bbox
          plot.ctx.save()
          plot.ctx.strokeStyle = strong
          plot.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
          plot.ctx.beginPath()
          for (const boundary of boundaries()) {
            const x = Math.round(plot.valToPos(boundary, 'x', true))
            if (!(x > left && x <= left + width)) continue
            plot.ctx.moveTo(x, top)
            plot.ctx.lineTo(x, top + tall)
          }
          plot.ctx.stroke()
          plot.ctx.restore()
        },
      ],
    },
  }
}
