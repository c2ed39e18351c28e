import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { engineState } from '../app/engine'
import { opening } from '../app/open-models'
import { Switch } from '../controls/index'
import { clear, running, say, stop, turns } from './conversation'
import { change, settings } from './settings'

const text = signal('')

/** Where messages are written. Enter sends, Shift+Enter begins a line, Escape stops. */
export function Composer() {
  const field = useRef<HTMLTextAreaElement>(null)
  const ready = engineState.value.target !== undefined
  const send = () => {
    const message = text.value.trim()
    if (message === '' || !ready) return
    text.value = ''
    void say(message)
  }
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !running.value || document.querySelector('dialog[open]')) return
      stop()
      field.current?.focus()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <div class="composer-box">
        <textarea
          ref={field}
          name="message"
          rows={1}
          aria-label="Message"
          placeholder={ready ? 'Say something' : opening.value ? 'The model is on its way…' : 'No model is open'}
          value={text}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
            event.preventDefault()
            send()
          }}
        />
        {running.value ? (
          <button type="button" class="button primary" onClick={stop} title="Escape">
            Stop
          </button>
        ) : (
          <button type="submit" class="button primary" disabled={!ready || text.value.trim() === ''}>
            Send
          </button>
        )}
      </div>
      <div class="composer-row">
        <Switch label="Speculate" checked={settings.value.speculate} onChange={(speculate) => change({ speculate })} />
        <button type="button" class="link" disabled={turns.value.length === 0} onClick={clear}>
          New conversation
        </button>
      </div>
    </form>
  )
}
