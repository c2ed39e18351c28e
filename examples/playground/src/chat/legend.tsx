import { engineState } from '../app/engine'
import { settings } from './settings'

const kinds = [
  { kind: 'draft', label: 'drafted, accepted' },
  { kind: 'correction', label: 'corrected' },
  { kind: 'bonus', label: 'bonus' },
  { kind: 'plain', label: 'plain' },
] as const

/** What the colours of an answer say. */
export function Legend() {
  return (
    <ul class="legend" aria-label="Where tokens come from">
      {kinds.map(({ kind, label }) => (
        <li key={kind}>
          <span class={`token ${kind}`}>{label}</span>
        </li>
      ))}
      {(settings.value.lookUpFirst || settings.value.learnFromAnswers || !engineState.value.draft) && (
        <li>
          <span class="token draft looked-up">looked up, accepted</span>
        </li>
      )}
      {settings.value.refused !== 'hide' && (
        <li>
          <del class="refused keep">refused</del>
        </li>
      )}
    </ul>
  )
}
