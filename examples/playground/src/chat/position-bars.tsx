import type { positionsOf } from './positions'

/** By position in the block: the share of drafts that kept the token there (bars), and α (ticks). */
export function PositionBars({ positions }: { positions: ReturnType<typeof positionsOf> }) {
  const words = positions
    .map(
      ({ kept, acceptanceRate }, i) =>
        `${i + 1}: ${percent(kept)} kept${acceptanceRate === null ? '' : `, α ${acceptanceRate.toFixed(2)}`}`,
    )
    .join('; ')
  return (
    <figure class="bars">
      <figcaption>
        Accepted by position <span class="quiet">bar: kept, line: α</span>
      </figcaption>
      <div class="bars-plot" role="img" aria-label={`Accepted by position in the block. ${words || 'Nothing yet.'}`}>
        {positions.map(({ kept, acceptanceRate }, i) => (
          <div class="bars-column" key={i}>
            <div class="bars-track">
              <div class="bars-bar" style={{ height: `${kept * 100}%` }} />
              {acceptanceRate !== null && <div class="bars-tick" style={{ bottom: `${acceptanceRate * 100}%` }} />}
            </div>
            <span class="bars-label">{i + 1}</span>
          </div>
        ))}
      </div>
    </figure>
  )
}

const percent = (share: number) => `${Math.round(share * 100)} %`
