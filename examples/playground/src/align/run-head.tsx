import { useEffect, useRef } from 'preact/hooks'
import { engineState } from '../app/engine'
import { Actions, type ActionsProps } from './actions'
import { begun } from './alignment'

interface RunHeadProps extends ActionsProps {
  /** The phase in words. */
  said: string
  /** Whether the user is to look at it. */
  isWarning: boolean
}

/** The head of a run's card: whose draft it is, in which phase, and what there is to do. */
export function RunHead({ said, isWarning, ...actions }: RunHeadProps) {
  const title = useRef<HTMLHeadingElement>(null)
  // Of a run that was just begun, the button that began it is gone: the focus goes to what took its place.
  useEffect(() => {
    if (begun.peek()) title.current?.focus()
    begun.value = false
  }, [])
  return (
    <header class="card-header">
      <h2 id="run-title" tabIndex={-1} ref={title}>
        A draft for {engineState.value.target?.name}{' '}
        <span class="badge" data-tone={isWarning ? 'warning' : 'good'} role="status">
          {said}
        </span>
      </h2>
      <Actions {...actions} />
    </header>
  )
}
