import { useEffect, useRef } from 'preact/hooks'
import { notify } from '../app/notices'
import type { CodeEditor } from './code-editor'
import { checking, mistakes, ownLoss } from './own-loss'

/** Where one's own loss is typed; what is wrong with it is shown at its line, and in words below. */
export function LossEditor() {
  const box = useRef<HTMLDivElement>(null)
  const editor = useRef<CodeEditor | undefined>(undefined)
  useEffect(() => {
    let gone = false
    import('./code-editor').then(({ codeEditor }) => {
      if (gone || !box.current) return
      box.current.replaceChildren()
      editor.current = codeEditor(box.current, {
        text: ownLoss.value,
        label: 'Your loss',
        onChange: (text) => {
          ownLoss.value = text
        },
      })
      editor.current.setMistakes(mistakes.value)
    }, notify)
    return () => {
      gone = true
      editor.current?.dispose()
      editor.current = undefined
    }
  }, [])
  useEffect(() => {
    if (editor.current && editor.current.text !== ownLoss.value) editor.current.setText(ownLoss.value)
  }, [ownLoss.value])
  useEffect(() => editor.current?.setMistakes(mistakes.value), [mistakes.value])
  return (
    <>
      <div class="editor" ref={box}>
        <pre>{ownLoss.value}</pre>
      </div>
      <Verdict />
    </>
  )
}

/** What the compiler says. */
function Verdict() {
  const found = mistakes.value
  return (
    <div class="verdict" role="status" aria-live="polite" data-kind={found.length > 0 ? 'error' : 'good'}>
      {checking.value ? (
        <p>Compiling…</p>
      ) : found.length === 0 ? (
        <p>It compiles.</p>
      ) : (
        <ul>
          {found.map(({ line, column, message }) => (
            <li key={`${line}:${column}:${message}`}>
              <strong>
                Line {line}, column {column}
              </strong>{' '}
              {message.split('\n')[0]}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
