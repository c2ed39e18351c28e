import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Composer } from './composer'
import { Controls } from './controls'
import { announcement, figures, turns } from './conversation'
import { DrafterLine } from './drafter-line'
import { Figures } from './figures'
import { Legend } from './legend'
import { Turn } from './turn'
import { Welcome } from './welcome'

const unfolded = signal(false)

/** Talks with the model; colours and figures show what speculation did. */
export function Chat() {
  return (
    <div class="chat" data-unfolded={unfolded.value}>
      <section class="conversation" aria-label="Conversation">
        <DrafterLine />
        <Log />
        <div class="dock">
          <Legend />
          <Composer />
        </div>
        <p class="visually-hidden" aria-live="polite">
          {announcement}
        </p>
      </section>
      <Strip />
      <aside class="aside" id="chat-aside" aria-label="Figures and settings">
        <Figures />
        <Controls />
      </aside>
    </div>
  )
}

/** The turns. New words keep in view, unless the reader has scrolled away from them. */
function Log() {
  const box = useRef<HTMLElement>(null)
  const atEnd = useRef(true)
  useEffect(() => {
    const element = box.current!
    const follow = new MutationObserver(() => {
      if (atEnd.current && turns.value.length > 0) element.scrollTop = element.scrollHeight
    })
    follow.observe(element, { childList: true, subtree: true })
    return () => follow.disconnect()
  }, [])
  return (
    <section
      ref={box}
      class="log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Messages"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollTop + clientHeight > scrollHeight - 40
      }}
    >
      {turns.value.length === 0 ? (
        <Welcome />
      ) : (
        <ol class="turns">
          {turns.value.map((turn) => (
            <Turn turn={turn} key={turn.id} />
          ))}
        </ol>
      )}
    </section>
  )
}

/** On narrow screens: the figures in a line, which unfolds them and the settings. */
function Strip() {
  const now = figures.value
  const shown = (value: number | null | undefined, digits: number) => (value == null ? '–' : value.toFixed(digits))
  return (
    <button
      type="button"
      class="strip"
      aria-expanded={unfolded.value}
      aria-controls="chat-aside"
      onClick={() => {
        unfolded.value = !unfolded.value
      }}
    >
      <span>
        τ <strong>{shown(now?.numTargetPasses ? now.blockEfficiency : null, 2)}</strong>
      </span>
      <span>
        α <strong>{shown(now?.numDrafts ? now.acceptanceRate : null, 2)}</strong>
      </span>
      <span>
        <strong>{shown(now?.tokensPerSecond || null, 1)}</strong> tokens/s
      </span>
      <span class="chevron" aria-hidden="true" />
      <span class="visually-hidden">{unfolded.value ? 'Hide' : 'Show'} figures and settings</span>
    </button>
  )
}
