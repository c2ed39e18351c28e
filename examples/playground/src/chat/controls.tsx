import { useId } from 'preact/hooks'
import { engineState } from '../app/engine'
import { Choice, NumberField, Slider, Switch } from '../controls/index'
import { change, resetSettings, settings } from './settings'

/** How answers are made. */
export function Controls() {
  const { temperature, topP, topK, seed, draftLength, lookUpFirst, learnFromAnswers, verification } = settings.value
  const { refused, system } = settings.value
  const id = useId()
  return (
    <section class="card controls" aria-labelledby="settings-title">
      <header class="card-header">
        <h2 id="settings-title">Settings</h2>
        <button type="button" class="link" onClick={resetSettings}>
          Reset
        </button>
      </header>
      <p class="controls-note">They hold from the next pass on, in the middle of a sentence, too.</p>

      <h3>Speculation</h3>
      <Slider
        label="Draft length γ"
        min={1}
        max={15}
        step={1}
        value={draftLength === 'auto' ? 4 : draftLength}
        shown={draftLength === 'auto' ? 'auto' : `${draftLength}`}
        disabled={draftLength === 'auto'}
        onChange={(length) => change({ draftLength: length })}
      />
      <Switch
        label="Choose γ automatically"
        checked={draftLength === 'auto'}
        onChange={(auto) => change({ draftLength: auto ? 'auto' : 4 })}
      />
      {engineState.value.draft && (
        <Switch
          label="Look up what was said before drafting"
          checked={lookUpFirst}
          onChange={(first) => change({ lookUpFirst: first })}
        />
      )}
      <Switch
        label="Learn from answers: draft what was answered in this tab"
        checked={learnFromAnswers}
        onChange={(learns) => change({ learnFromAnswers: learns })}
      />
      <Choice
        label="Verification"
        value={verification}
        options={[
          { value: 'block', label: 'Block' },
          { value: 'token', label: 'Token' },
        ]}
        hint="Both keep the model's distribution exactly; by block, never fewer tokens are kept."
        onChange={(rule) => change({ verification: rule })}
      />
      <Choice
        label="Refused drafts"
        value={refused}
        options={[
          { value: 'fade', label: 'Fade' },
          { value: 'keep', label: 'Keep' },
          { value: 'hide', label: 'Hide' },
        ]}
        onChange={(kind) => change({ refused: kind })}
      />

      <h3>Sampling</h3>
      <Slider
        label="Temperature"
        min={0}
        max={2}
        step={0.05}
        value={temperature}
        shown={temperature === 0 ? '0, the likeliest' : temperature.toFixed(2)}
        onChange={(value) => change({ temperature: value })}
      />
      <Slider
        label="Top-p"
        min={0.05}
        max={1}
        step={0.05}
        value={topP}
        shown={topP === 1 ? '1, all' : topP.toFixed(2)}
        onChange={(value) => change({ topP: value })}
      />
      <div class="pair">
        <NumberField label="Top-k" min={0} value={topK} hint="0: all" onChange={(value) => change({ topK: value })} />
        <NumberField
          label="Seed"
          min={0}
          value={seed}
          hint={repeatsHint(settings.value)}
          onChange={(value) => change({ seed: value })}
        />
      </div>
      <div class="field">
        <label class="field-label" for={id}>
          System text
        </label>
        <textarea
          id={id}
          rows={2}
          placeholder="None"
          value={system}
          onInput={({ currentTarget }) => change({ system: currentTarget.value })}
        />
      </div>
    </section>
  )
}

function repeatsHint({ draftLength, learnFromAnswers }: typeof settings.value): string {
  if (learnFromAnswers) return 'repeats an answer until more is learnt'
  return draftLength === 'auto' ? 'repeats an answer for one γ' : 'repeats an answer'
}
