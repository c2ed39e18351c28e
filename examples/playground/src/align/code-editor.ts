import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** A mistake, in lines and columns counted from 1. */
export interface Mistake {
  line: number
  column: number
  length: number
  message: string
}

/** An editor in the page. */
export interface CodeEditor {
  readonly text: string
  setText(text: string): void
  setMistakes(mistakes: readonly Mistake[]): void
  dispose(): void
}

/**
 * An editor of typed losses: line numbers, colours, mistakes at their place. Tab leaves it, as it leaves any field.
 *
 * @param parent  what it is put into
 */
export function codeEditor(
  parent: HTMLElement,
  { text, label, onChange }: { text: string; label: string; onChange(text: string): void },
): CodeEditor {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        language,
        syntaxHighlighting(colours),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString())
        }),
      ],
    }),
  })
  return {
    get text() {
      return view.state.doc.toString()
    },
    setText(next) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } })
    },
    setMistakes(mistakes) {
      view.dispatch(setDiagnostics(view.state, mistakes.map(diagnosticOf)))
    },
    dispose: () => view.destroy(),
  }

  function diagnosticOf({ line, column, length, message }: Mistake): Diagnostic {
    const { doc } = view.state
    // The text may have been changed since it was checked.
    const found = doc.line(Math.min(line, doc.lines))
    const from = Math.min(found.from + column - 1, found.to)
    return { from, to: Math.min(from + Math.max(length, 1), found.to), severity: 'error', message }
  }
}

const language = StreamLanguage.define({
  token(stream) {
    if (stream.match('//')) {
      stream.skipToEnd()
      return 'comment'
    }
    if (stream.sol() && stream.match(/\s*(?:sum|statistic|pool|name|value|weightedMass|weight)\b/)) return 'keyword'
    if (stream.match(/(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fiu]?/)) return 'number'
    if (stream.match(/[A-Za-z_]\w*(?=\s*\()/)) return 'variableName.function'
    if (stream.match(/[A-Za-z_]\w*/)) return 'variableName'
    stream.next()
    return null
  },
})

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-soft)', fontStyle: 'italic' },
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: tags.number, color: 'var(--bonus)' },
  { tag: tags.function(tags.variableName), color: 'var(--correction)' },
])
