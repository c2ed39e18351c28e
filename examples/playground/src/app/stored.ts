import { effect, type Signal, signal } from '@preact/signals'

/**
 * A signal that the browser remembers. Where storage is refused or full, it lives as long as the page.
 *
 * @param isValid  refuses what was stored by another version of the page
 */
export function stored<T>(key: string, initial: T, isValid: (value: unknown) => value is T): Signal<T> {
  const state = signal(read(key, isValid) ?? initial)
  effect(() => {
    const text = JSON.stringify(state.value)
    try {
      localStorage.setItem(`outrider.${key}`, text)
    } catch {
      // A preference is not worth an error.
    }
  })
  return state
}

function read<T>(key: string, isValid: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`outrider.${key}`) ?? 'null')
    return isValid(value) ? value : undefined
  } catch {
    return undefined
  }
}
