import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { engineState } from '../app/engine'
import { countOf } from '../app/numbers'
import { showTab } from '../app/tabs'
import { Switch } from '../controls/index'
import type { AlignPhase, AlignState } from '../engine/index'
import { answerFull, begun, discard, pause, resume, useInChat } from './alignment'
import { Charts } from './charts'
import { DistilAgain } from './distil-again'
import { Downloads } from './downloads'
import { lossTitles } from './losses'
import { Stages } from './stages'

const phases: Record<AlignPhase, string> = {
  none: '',
  starting: 'Starting…',
  running: 'Training',
  pausing: 'Stops after this step…',
  full: 'Waits for room in the storage',
  paused: 'Paused',
  done: 'Done',
}

/** A run: its stages, its curves, and what can be done with it. */
export function Run({ state }: { state: AlignState }) {
  const title = useRef<HTMLHeadingElement>(null)
  // Of a run that was just begun, the button that began it is gone: the focus goes to what took its place.
  useEffect(() => {
    if (begun.peek()) title.current?.focus()
    begun.value = false
  }, [])
  return (
    <div class="run">
      <section class="card run-head" aria-labelledby="run-title">
        <header class="card-header">
          <h2 id="run-title" tabIndex={-1} ref={title}>
            A draft for {engineState.value.target?.name}{' '}
            <span class="badge" data-tone={state.phase === 'full' ? 'warning' : 'good'} role="status">
              {phases[state.phase]}
            </span>
          </h2>
          <Actions phase={state.phase} />
        </header>
        <Facts state={state} />
        {state.failure && (
          <div class="run-failure" role="alert">
            <p>
              <strong>It stopped.</strong> {state.failure.message}
            </p>
            {state.failure.remedy && <p>{state.failure.remedy}</p>}
            <p>What was stored goes on from there.</p>
          </div>
        )}
        {state.phase === 'full' && <Full />}
        {state.leftOut.map((message) => (
          <p class="run-note" key={message}>
            {message}
          </p>
        ))}
        {state.unsaved && (
          <p class="run-note">
            The storage was full: newer checkpoints are in this tab's memory only. Download the draft before you close
            it.
          </p>
        )}
        <Stages state={state} />
      </section>
      <Charts state={state} />
      {state.draft && (
        <section class="card run-draft" aria-labelledby="draft-title">
          <header class="card-header">
            <h2 id="draft-title">The draft</h2>
          </header>
          <div class="run-draft-row">
            <Switch
              label="Draft with it in Chat"
              checked={state.draft.inChat}
              onChange={(use) => void useInChat(use)}
            />
            <button type="button" class="link" onClick={() => showTab('chat')}>
              Open Chat
            </button>
          </div>
          <Downloads />
          {(state.phase === 'done' || state.phase === 'paused') && <DistilAgain state={state} />}
        </section>
      )}
    </div>
  )
}

/** What there is to do in a phase. */
function Actions({ phase }: { phase: AlignPhase }) {
  const asked = useSignal(false)
  if (asked.value)
    return (
      <fieldset class="actions">
        <legend>Delete the run and its draft?</legend>
        <button
          type="button"
          class="button"
          onClick={() => {
            asked.value = false
            void discard()
          }}
        >
          Delete
        </button>
        <button
          type="button"
          class="button"
          autofocus
          onClick={() => {
            asked.value = false
          }}
        >
          Keep
        </button>
      </fieldset>
    )
  return (
    <p class="actions">
      {(phase === 'running' || phase === 'pausing') && (
        <button type="button" class="button" disabled={phase === 'pausing'} onClick={() => void pause()}>
          Pause
        </button>
      )}
      {phase === 'paused' && (
        <button type="button" class="button primary" onClick={() => void resume()}>
          Go on
        </button>
      )}
      {(phase === 'paused' || phase === 'done') && (
        <button
          type="button"
          class="button"
          onClick={() => {
            asked.value = true
          }}
        >
          Start over
        </button>
      )}
    </p>
  )
}

/** The run in a line. */
function Facts({ state: { plan, draft } }: { state: AlignState }) {
  if (!plan) return null
  const { loss } = plan.distillation
  const name = loss.kind === 'typed' ? 'a loss of your own' : (lossTitles[loss.name]?.title ?? loss.name)
  const shape = `${plan.draft.layers} ${plan.draft.layers === 1 ? 'layer' : 'layers'} of ${plan.draft.hiddenSize}`
  return (
    <p class="quiet">
      {shape}
      {draft && `, ${countOf(draft.parameters)} parameters, ${draft.ofTarget.toPrecision(2)} of the model's`}; distilled
      with {name}.
    </p>
  )
}

/** The storage is full: training waits. */
function Full() {
  return (
    <div class="run-failure" role="alert">
      <p>
        <strong>The storage that the browser gives this site is full.</strong> Training waits, and nothing is lost. Free
        space on the disk or delete other runs and try again; or go on, and keep new checkpoints in this tab's memory.
      </p>
      <p class="actions">
        <button type="button" class="button primary" onClick={() => void answerFull('retry')}>
          Try again
        </button>
        <button type="button" class="button" onClick={() => void answerFull('memory')}>
          Go on in memory
        </button>
      </p>
    </div>
  )
}
