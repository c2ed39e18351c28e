import { computed, effect, signal } from '@preact/signals'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'
import { stored } from '../app/stored'
import type { Mistake } from './code-editor'
import { exampleLoss } from './losses'

/** The loss that the user types, as text. The browser remembers it. */
export const ownLoss = stored('align.loss', exampleLoss, (value): value is string => typeof value === 'string')

/** What is wrong with it. */
export const mistakes = signal<readonly Mistake[]>([])

/** Whether the text at hand has not been judged yet. */
export const checking = signal(true)

/** Milliseconds without a key before the text is compiled. */
const quiet = 300

const canCompile = computed(() => engineState.value.device !== undefined)

/** Begins to compile the text whenever it has changed. Gives what ends it. */
export function watchOwnLoss(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return effect(() => {
    const text = ownLoss.value
    checking.value = true
    if (!canCompile.value) return
    clearTimeout(timer)
    timer = setTimeout(async () => {
      const found = await attempt(() => engine.align.checkLoss(text))
      if (ownLoss.value !== text) return
      mistakes.value = found ?? []
      checking.value = false
    }, quiet)
  })
}
