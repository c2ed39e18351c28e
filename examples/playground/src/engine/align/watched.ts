/** The page is told of changes this often, in milliseconds. */
const pause = 250

/** A state that changes many times a second, and is told to whoever watches a few times. */
export function watched<State>(read: () => State) {
  const listeners = new Set<(state: State) => void>()
  let isDue = false
  return {
    changed(): void {
      if (isDue) return
      isDue = true
      setTimeout(() => {
        isDue = false
        const state = read()
        for (const listener of listeners) listener(state)
      }, pause)
    },

    /** Calls back with the state, now and after changes. */
    watch(onState: (state: State) => void): void {
      listeners.add(onState)
      onState(read())
    },
  }
}
