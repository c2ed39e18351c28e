import { signal } from '@preact/signals'
import { engineState, halted } from './engine'
import { restartEngine } from './start'

const seen = signal(false)
const restarting = signal(false)

/** States of the engine as a whole: halted, the device lost, a software adapter. */
export function Banners() {
  const { device, lost } = engineState.value
  if (halted.value) return <Halted />
  if (lost && !device) return <Lost />
  if (device?.isSoftware && !seen.value) return <Software />
  return null
}

function Halted() {
  const { code, message, remedy } = halted.value!
  return (
    <div class="notice" data-kind="error" role="alert">
      <div>
        <h2>{code === 'NO_ADAPTER' ? 'No WebGPU here' : 'The engine does not run'}</h2>
        <p>{message}</p>
        {code === 'NO_ADAPTER' ? (
          <ul class="remedy">
            <li>Chrome and Edge have WebGPU from version 113 on, Safari from 26, Firefox from 141 on Windows.</li>
            <li>Turn hardware acceleration on in the browser's settings, and bring the graphics driver up to date.</li>
            <li>The page must come over https, or from localhost.</li>
          </ul>
        ) : (
          remedy && <p class="remedy">{remedy}</p>
        )}
        <p class="notice-actions">
          <RestartButton>Try again</RestartButton>
        </p>
      </div>
    </div>
  )
}

function Lost() {
  return (
    <div class="notice" data-kind="error" role="alert">
      <div>
        <h2>The GPU device was lost</h2>
        <p>
          {engineState.value.lost?.message} The conversation is still here, and training goes on from its last
          checkpoint.
        </p>
        <p class="notice-actions">
          <RestartButton>Start the engine again</RestartButton>
        </p>
      </div>
    </div>
  )
}

function RestartButton({ children }: { children: string }) {
  const restart = async () => {
    restarting.value = true
    await restartEngine()
    restarting.value = false
  }
  return (
    <button type="button" class="button" disabled={restarting.value} onClick={restart}>
      {restarting.value ? 'Starting…' : children}
    </button>
  )
}

function Software() {
  return (
    <div class="notice" data-kind="hint" role="status">
      <div>
        <h2>A software adapter</h2>
        <p>
          WebGPU runs on the processor here: all of it works, slowly. For the GPU, turn on hardware acceleration in the
          browser's settings.
        </p>
      </div>
      <button
        type="button"
        class="icon-button"
        aria-label="Dismiss"
        onClick={() => {
          seen.value = true
        }}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M6 6l12 12M18 6L6 18" />
        </svg>
      </button>
    </div>
  )
}
