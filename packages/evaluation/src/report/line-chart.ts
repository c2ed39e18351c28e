import type { Curves, Series } from './data'
import { html, type Markup } from './html'
import { legend, looksOf } from './legend'
import { linear, ticks, tickText } from './scale'
import { valueTable } from './value-table'

const size = { width: 400, height: 250 }
const margin = { top: 12, right: 16, bottom: 44, left: 50 }
const right = size.width - margin.right
const bottom = size.height - margin.bottom

/** Lines over common axes as an SVG figure with title, description and legend. */
export function lineChart({ title, x, y, series }: Curves, id: string, { yFrom }: { yFrom?: number } = {}): Markup {
  const points = series.flatMap((each) => each.points).filter(([, value]) => Number.isFinite(value))
  if (points.length === 0) return html`<figure><figcaption>${title}</figcaption><p>Nothing was measured.</p></figure>`
  const xTicks = ticks(Math.min(...points.map(([at]) => at)), Math.max(...points.map(([at]) => at)), 6)
  const yTicks = ticks(
    yFrom ?? Math.min(...points.map(([, value]) => value)),
    Math.max(...points.map(([, value]) => value)),
  )
  const toX = linear(
    [points.length > 1 ? Math.min(...points.map(([at]) => at)) : 0, Math.max(...points.map(([at]) => at))],
    [margin.left, right],
  )
  const toY = linear([yTicks[0]!, yTicks.at(-1)!], [bottom, margin.top])
  const within = (tick: number) => toX(tick) >= margin.left - 0.5 && toX(tick) <= right + 0.5
  return html`<figure>
<figcaption>${title}</figcaption>
<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${title}</title><desc id="${id}-d">${describe(series, x, y)}</desc>
${yTicks.map((tick) => html`<line class="grid" x1="${margin.left}" x2="${right}" y1="${place(toY(tick))}" y2="${place(toY(tick))}"/><text class="tick end" x="${margin.left - 8}" y="${place(toY(tick) + 4)}">${tickText(tick)}</text>`)}
${xTicks.filter(within).map((tick) => html`<text class="tick middle" x="${place(toX(tick))}" y="${bottom + 18}">${tickText(tick)}</text>`)}
<line class="axis" x1="${margin.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="label middle" x="${(margin.left + right) / 2}" y="${size.height - 6}">${x}</text>
<text class="label middle" transform="translate(14 ${(margin.top + bottom) / 2}) rotate(-90)">${y}</text>
${series.map((each, i) => line(each, looksOf(series)[i]!, toX, toY))}
</svg>
${series.length > 1 && legend(series)}
${valueTable(title, [x, ...series.map(({ name }) => name)], rowsOf(series))}
</figure>`
}

function line(
  { name, points }: Series,
  look: number,
  toX: (value: number) => number,
  toY: (value: number) => number,
): Markup {
  const finite = points.filter(([, value]) => Number.isFinite(value))
  const path = finite.map(([at, value]) => `${place(toX(at))},${place(toY(value))}`).join(' ')
  const dots = finite.length <= 24
  return html`<polyline class="line s${look}" points="${path}"><title>${name}</title></polyline>${
    dots &&
    finite.map(
      ([at, value]) =>
        html`<circle class="dot s${look}" cx="${place(toX(at))}" cy="${place(toY(value))}" r="3.5"><title>${name}: ${tickText(at)} → ${value.toPrecision(4)}</title></circle>`,
    )
  }`
}

/** At most two dozen places along the x axis, with the value of each series there. */
function rowsOf(series: readonly Series[]): [string, ...string[]][] {
  const places = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b)
  const step = Math.max(1, Math.ceil((places.length - 1) / 23))
  const chosen = places.filter((_, i) => i % step === 0 || i === places.length - 1)
  return chosen.map((place) => [
    tickText(place),
    ...series.map(({ points }) => {
      const value = points.find(([at]) => at === place)?.[1]
      return value === undefined || !Number.isFinite(value) ? '–' : String(Number(value.toPrecision(4)))
    }),
  ])
}

const describe = (series: readonly Series[], x: string, y: string): string =>
  `${y} over ${x}. ${series
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }) => `${name}: from ${points[0]![1].toPrecision(3)} to ${points.at(-1)![1].toPrecision(3)}`)
    .join('; ')}.`

const place = (value: number): string => value.toFixed(1)
