import { compiling } from '../app/open-models'
import { again, type Question, type Reply, running, turns } from './conversation'
import { settings } from './settings'

/** What was said. */
export function Turn({ turn }: { turn: Question | Reply }) {
  if (turn.role === 'user')
    return (
      <li class="turn question">
        <span class="visually-hidden">You: </span>
        {turn.text}
      </li>
    )
  return <Answer reply={turn} />
}

function Answer({ reply }: { reply: Reply }) {
  const { refused } = settings.value
  const isRunning = running.value === reply
  const pieces = reply.pieces.value
  return (
    <li class="turn answer" aria-busy={isRunning}>
      <span class="visually-hidden">Model: </span>
      <p class="answer-text">
        {pieces.map(({ kind, text, lookedUp }, i) =>
          kind !== 'refused' ? (
            <span class={lookedUp ? `token ${kind} looked-up` : `token ${kind}`} key={i}>
              {text}
            </span>
          ) : (
            refused !== 'hide' && (
              <del class={`refused ${refused}`} aria-hidden="true" key={i}>
                {text}
              </del>
            )
          ),
        )}
        {isRunning && <span class="caret" aria-hidden="true" />}
        {isRunning && pieces.length === 0 && compiling.value && <span class="waiting">compiling for this device</span>}
      </p>
      <Footnote reply={reply} />
    </li>
  )
}

/** How the answer went, once it is there. */
function Footnote({ reply }: { reply: Reply }) {
  const end = reply.end.value
  if (!end) return null
  const isLast = turns.value.at(-1) === reply
  const facts: string[] = []
  if (end === 'stopped') facts.push('stopped')
  else if (end === 'failed') facts.push('failed')
  else {
    if (end.finishReason === 'length') facts.push('cut off: no more tokens were allowed, or fit')
    if (end.finishReason === 'stopped') facts.push('stopped')
    facts.push(`${end.tokens} tokens`)
    if (end.passes > 0) {
      facts.push(`${((end.tokens - 1) / end.passes).toFixed(2)} a pass`)
      if (end.drafted > 0) facts.push(`${end.accepted} of ${end.drafted} drafted accepted`)
      facts.push(`${rate((end.tokens - 1) / end.seconds)} tokens/s`)
    }
    if (end.leftOut > 0) facts.push(`the first ${end.leftOut} messages no longer fit and were left out`)
  }
  return (
    <p class="footnote">
      <span>{facts.join(' · ')}</span>
      {isLast && (
        <button type="button" class="link" onClick={() => void again()}>
          Again
        </button>
      )}
    </p>
  )
}

const rate = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(2))
