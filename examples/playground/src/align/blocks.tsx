import type { AlignState } from '../engine/index'
import { draftInBlocks } from './alignment'
import { Ways } from './budget/ways'
import { Stages } from './stages'

/** A copy of the draft is adapted to propose a block in one pass, and measured in turns with the draft. */
export function Blocks({ state: { blocks, phase } }: { state: AlignState }) {
  const isMeasured = blocks !== undefined && blocks.ways.length > 0
  const { progress } = blocks ?? {}
  const isAdapted = progress !== undefined && progress.done === progress.total
  const works = phase === 'running' && blocks !== undefined
  return (
    <>
      <section class="card" aria-labelledby="blocks-title">
        <header class="card-header">
          <h2 id="blocks-title">A block in one pass</h2>
        </header>
        <p class="hint">
          A copy of the draft learns to propose five tokens in one pass of its own, and both answer what was held out,
          in turns.
        </p>
        {blocks && (
          <Stages
            of={[
              { title: 'Adapt to blocks', unit: 'steps', progress, isDone: isAdapted, runs: works },
              {
                title: 'Measure in turns',
                ...{ unit: 'ways', progress: undefined, isDone: isMeasured, runs: works && isAdapted },
              },
            ]}
          />
        )}
        {phase === 'done' && !isMeasured && (
          <button type="button" class="button" onClick={() => void draftInBlocks()}>
            {blocks ? 'Go on with blocks' : 'Adapt and measure'}
          </button>
        )}
      </section>
      {isMeasured && (
        <>
          <Ways ways={blocks.ways} tasks={[]} />
          <p class="quiet">Fastest: {fastestOf(blocks.ways)}.</p>
        </>
      )}
    </>
  )
}

function fastestOf(ways: NonNullable<AlignState['blocks']>['ways']): string {
  const fastest = ways.reduce((a, b) => (b.tokensPerSecond > a.tokensPerSecond ? b : a))
  const isPlain = fastest.plainTokensPerSecond >= fastest.tokensPerSecond
  return isPlain ? 'decoding without a draft' : `${fastest.draft}, γ = ${fastest.draftLength}`
}
