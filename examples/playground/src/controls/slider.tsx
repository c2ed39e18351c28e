import { useId } from 'preact/hooks'

interface SliderProps {
  label: string
  value: number
  min: number
  max: number
  step: number
  /** How the value reads; default the number. */
  shown?: string
  /** What the slider does, in a few words. */
  hint?: string
  disabled?: boolean
  onChange: (value: number) => void
}

/** A number on a scale, with its value beside the label. */
export function Slider({ label, value, min, max, step, shown = String(value), hint, disabled, onChange }: SliderProps) {
  const id = useId()
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
        <output class="field-value" for={id}>
          {shown}
        </output>
      </label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        disabled={disabled}
        aria-valuetext={shown}
        aria-describedby={hint && `${id}-hint`}
        style={{ '--filled': `${((value - min) / (max - min)) * 100}%` }}
        onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
