import { useEffect } from 'preact/hooks'
import { alignment, watchAlignment } from './alignment'
import { Run } from './run'
import { Setup } from './setup'
import '../style/align.css'

/** Trains a draft for the target in the tab. */
export function Align() {
  useEffect(watchAlignment, [])
  const state = alignment.value
  if (!state) return <p class="quiet page">Looking for what is stored…</p>
  return (
    <div class="page align">
      <p class="align-lead">
        A small draft learns to speak like the model: the model answers instructions, the draft is pretrained on text
        and distilled from the answers (<a href="https://arxiv.org/abs/2403.00858">Goel et al. 2024</a>). The better it
        guesses, the faster Chat answers, and the words stay the model's own.
      </p>
      {state.failure && !state.plan && (
        <div class="run-failure" role="alert">
          <p>
            <strong>What was stored cannot be read.</strong> {state.failure.message}
          </p>
          <p>{state.failure.remedy}</p>
        </div>
      )}
      {state.plan ? <Run state={state} /> : <Setup />}
    </div>
  )
}
