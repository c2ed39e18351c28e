import { html, type Markup } from './html'
import { type Looking, legend, looksOf } from './legend'
import { linear, ticks, tickText } from './scale'
import { valueTable } from './value-table'

export interface Bars {
  title: string
  /** What the groups are. */
  x: string
  y: string
  /** Names along the axis. */
  groups: readonly string[]
  /** One bar in each group; null where nothing was measured. */
  series: readonly (Looking & { values: readonly (number | null)[] })[]
  /** Decimals of the values. Default 2. */
  decimals?: number
}

const height = 280
const margin = { top: 22, right: 12, bottom: 40, left: 54 }

/** Bars in groups as an SVG figure with title, description and legend. Each bar carries its value. */
export function barChart({ title, x, y, groups, series, decimals = 2 }: Bars, id: string): Markup {
  const width = Math.max(360, margin.left + margin.right + groups.length * (series.length * 23 + 14))
  const bottom = height - margin.bottom
  const most = Math.max(1e-6, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const looks = looksOf(series)
  const shown = (value: number | null | undefined) => (value == null ? '–' : value.toFixed(decimals))
  const yTicks = ticks(0, most)
  const toY = linear([0, yTicks.at(-1)!], [bottom, margin.top])
  const groupWidth = (width - margin.left - margin.right) / groups.length
  const barWidth = Math.min(40, (groupWidth - 12) / series.length)
  const leftOf = (group: number, bar: number) =>
    margin.left + group * groupWidth + (groupWidth - barWidth * series.length) / 2 + bar * barWidth
  const bars = series.flatMap(({ name, values }, s) =>
    groups.map((group, g) => {
      const value = values[g]
      if (value == null || !Number.isFinite(value)) return undefined
      const left = leftOf(g, s)
      const top = toY(Math.max(0, value))
      return html`<g><title>${group}, ${name}: ${shown(value)}</title><rect class="bar s${looks[s]!}" x="${(left + 1).toFixed(1)}" width="${(barWidth - 2).toFixed(1)}" y="${top.toFixed(1)}" height="${Math.max(0, bottom - top).toFixed(1)}" rx="2"/><text class="value middle" x="${(left + barWidth / 2).toFixed(1)}" y="${(top - 4).toFixed(1)}">${shown(value)}</text></g>`
    }),
  )
  return html`<figure>
<figcaption>${title}</figcaption>
<div class="scroll"><svg viewBox="0 0 ${width} ${height}" style="min-width:${Math.round(width * 0.75)}px" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${title}</title><desc id="${id}-d">${y}. ${series.map(({ name, values }) => `${name}: ${groups.map((group, g) => `${group} ${values[g] == null ? 'not measured' : shown(values[g])}`).join(', ')}`).join('; ')}.</desc>
${yTicks.map((tick) => html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${toY(tick).toFixed(1)}" y2="${toY(tick).toFixed(1)}"/><text class="tick end" x="${margin.left - 8}" y="${(toY(tick) + 4).toFixed(1)}">${tickText(tick)}</text>`)}
<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>
${groups.map((group, g) => html`<text class="label middle" x="${(margin.left + (g + 0.5) * groupWidth).toFixed(1)}" y="${bottom + 20}">${group}</text>`)}
<text class="label middle" transform="translate(14 ${(margin.top + bottom) / 2}) rotate(-90)">${y}</text>
${bars}
</svg></div>
${series.length > 1 && legend(series)}
${valueTable(
  title,
  [x, ...series.map(({ name }) => name)],
  groups.map((group, g) => [group, ...series.map(({ values }) => shown(values[g]))]),
)}
</figure>`
}
