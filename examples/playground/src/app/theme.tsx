import { effect } from '@preact/signals'
import { stored } from './stored'

const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

const isTheme = (value: unknown): value is Theme => themes.includes(value as Theme)

const theme = stored<Theme>('theme', 'system', isTheme)

effect(() => {
  document.documentElement.style.colorScheme = theme.value === 'system' ? '' : theme.value
})

const pictures: Record<Theme, string> = {
  system: 'M12 3a9 9 0 1 0 0 18zm0 0v18a9 9 0 0 0 0-18',
  light:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5',
}

/** Goes from the system's colours to light to dark. */
export function ThemeButton() {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length]!
  const words = `Colours: ${theme.value}. Change to ${next}.`
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={words}
      title={words}
      onClick={() => {
        theme.value = next
      }}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path
          d={pictures[theme.value]}
          fill={theme.value === 'light' ? 'none' : 'currentColor'}
          fill-opacity={theme.value === 'system' ? 0.35 : 1}
        />
      </svg>
    </button>
  )
}
