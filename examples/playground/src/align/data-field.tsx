import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { bytesOf } from '../app/numbers'
import { Choice } from '../controls/index'
import type { AlignData } from '../engine/index'
import { changePlan, ownInstructions, ownText, planned, presetData } from './planned'

const hints: Record<AlignData, string> = {
  'small-world': 'Instructions and stories of the small world that the bundled model knows.',
  everyday: '56 instructions of many kinds. The draft is pretrained on the answers.',
  own: 'Instructions that your application gets make the best draft for it.',
}

/** Where instructions and text come from. */
export function DataField() {
  const { data } = planned.value!
  return (
    <>
      <Choice
        label="Instructions and text"
        value={data}
        options={[
          { value: presetData.value, label: presetData.value === 'everyday' ? 'Everyday' : 'The small world' },
          { value: 'own', label: 'Your own' },
        ]}
        hint={hints[data]}
        onChange={(value) => changePlan({ data: value })}
      />
      {data === 'own' && (
        <OwnData
          instructionsHint="One a line, or JSONL with messages, prompt or instruction."
          textHint="Plain text, an empty line between documents. Without it, the answers serve."
        />
      )}
    </>
  )
}

/** The user's own instructions and text. */
export function OwnData({ instructionsHint, textHint }: { instructionsHint: string; textHint: string }) {
  return (
    <>
      <TextField label="Instructions" content={ownInstructions} accept=".txt,.jsonl,.json" hint={instructionsHint} />
      <TextField label="Text for pretraining" content={ownText} accept=".txt,.md" hint={textHint} />
    </>
  )
}

/** Text that is typed, or read from a file. */
function TextField(props: { label: string; content: Signal<string>; accept: string; hint: string }) {
  const { label, content, accept, hint } = props
  const id = useId()
  const long = content.value.length > 20_000
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      {long ? (
        <p id={id} class="loaded">
          {bytesOf(content.value.length)} of text{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              content.value = ''
            }}
          >
            Remove
          </button>
        </p>
      ) : (
        <textarea
          id={id}
          rows={3}
          value={content}
          aria-describedby={`${id}-hint`}
          onInput={({ currentTarget }) => {
            content.value = currentTarget.value
          }}
        />
      )}
      <p class="hint" id={`${id}-hint`}>
        {hint}{' '}
        <label class="link">
          Choose a file
          <input
            type="file"
            class="visually-hidden"
            accept={accept}
            aria-label={`${label}: choose a file`}
            onChange={async ({ currentTarget }) => {
              const [file] = currentTarget.files ?? []
              if (file) content.value = await file.text()
            }}
          />
        </label>
      </p>
    </div>
  )
}
