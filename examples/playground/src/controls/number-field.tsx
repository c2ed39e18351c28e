import { useId } from 'preact/hooks'

interface NumberFieldProps {
  label: string
  value: number
  min: number
  max?: number
  hint?: string
  onChange: (value: number) => void
}

/** A whole number. What is no number, or out of range, is not taken. */
export function NumberField({ label, value, min, max, hint, onChange }: NumberFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={min}
        max={max}
        step={1}
        value={value}
        aria-describedby={hint && `${id}-hint`}
        onInput={({ currentTarget }) => {
          const number = currentTarget.valueAsNumber
          if (Number.isSafeInteger(number) && number >= min && number <= (max ?? number)) onChange(number)
        }}
        onBlur={({ currentTarget }) => {
          currentTarget.value = String(value)
        }}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
