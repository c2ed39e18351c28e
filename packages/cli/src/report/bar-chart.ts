import { html, type Markup } from './html'
import { legend } from './legend'
import { linear, ticks, tickText } from './scale'

export interface Bars {
  title: string
  y: string
  /** Names along the axis. */
  groups: readonly string[]
  /** One bar in each group; null where nothing was measured. */
  series: readonly { name: string; values: readonly (number | null)[] }[]
  /** Where the axis begins: 0, unless a bar's length means its distance from something else. */
  from?: number
}

const height = 280
const margin = { top: 22, right: 12, bottom: 40, left: 46 }

/** Bars in groups as an SVG figure with title, description and legend. Each bar carries its value. */
export function barChart({ title, y, groups, series, from = 0 }: Bars, id: string): Markup {
  const width = Math.max(460, margin.left + margin.right + groups.length * (series.length * 21 + 14))
  const bottom = height - margin.bottom
  const most = Math.max(from + 1e-6, ...series.flatMap(({ values }) => values.map((value) => value ?? from)))
  const yTicks = ticks(from, most)
  const toY = linear([from, yTicks.at(-1)!], [bottom, margin.top])
  const groupWidth = (width - margin.left - margin.right) / groups.length
  const barWidth = Math.min(40, (groupWidth - 12) / series.length)
  const leftOf = (group: number, bar: number) =>
    margin.left + group * groupWidth + (groupWidth - barWidth * series.length) / 2 + bar * barWidth
  const bars = series.flatMap(({ name, values }, s) =>
    groups.map((group, g) => {
      const value = values[g]
      if (value == null || !Number.isFinite(value)) return undefined
      const x = leftOf(g, s)
      const top = toY(Math.max(from, value))
      return html`<g><title>${group}, ${name}: ${value.toFixed(2)}</title><rect class="bar s${s % 6}" x="${(x + 1).toFixed(1)}" width="${(barWidth - 2).toFixed(1)}" y="${top.toFixed(1)}" height="${Math.max(0, bottom - top).toFixed(1)}" rx="2"/><text class="value middle" x="${(x + barWidth / 2).toFixed(1)}" y="${(top - 4).toFixed(1)}">${value.toFixed(2)}</text></g>`
    }),
  )
  return html`<figure>
<figcaption>${title}</figcaption>
<div class="scroll"><svg viewBox="0 0 ${width} ${height}" style="min-width:${Math.min(width, 400)}px" role="img" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${title}</title><desc id="${id}-d">${y}. ${series.map(({ name, values }) => `${name}: ${groups.map((group, g) => `${group} ${values[g]?.toFixed(2) ?? 'not measured'}`).join(', ')}`).join('; ')}.</desc>
${yTicks.map((tick) => html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${toY(tick).toFixed(1)}" y2="${toY(tick).toFixed(1)}"/><text class="tick end" x="${margin.left - 8}" y="${(toY(tick) + 4).toFixed(1)}">${tickText(tick)}</text>`)}
<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>
${groups.map((group, g) => html`<text class="label middle" x="${(margin.left + (g + 0.5) * groupWidth).toFixed(1)}" y="${bottom + 20}">${group}</text>`)}
<text class="label middle" transform="translate(14 ${(margin.top + bottom) / 2}) rotate(-90)">${y}</text>
${bars}
</svg></div>
${legend(series.map(({ name }) => name))}
</figure>`
}
