import { signal } from '@preact/signals'
import { proxy } from 'comlink'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'

const text = signal('')

export function Chat() {
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    const prompt = String(new FormData(event.currentTarget as HTMLFormElement).get('prompt'))
    text.value = ''
    void attempt(() =>
      engine.chat.answer(
        [{ role: 'user', content: prompt }],
        proxy((block) => {
          text.value += block.text
        }),
      ),
    )
  }
  return (
    <form onSubmit={send}>
      <p>{text}</p>
      <input name="prompt" aria-label="Message" />
      <button type="submit" disabled={!engineState.value.target}>
        Send
      </button>
    </form>
  )
}
