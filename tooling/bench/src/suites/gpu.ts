import { spawn } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { rounded } from '../compare'
import { gpuPlan } from '../gpu/settings'
import type { GpuSettings, GpuStep } from '../gpu/step'
import { gpuSteps } from '../gpu/steps/index'
import type { Row, Suite, SuiteContext } from '../suite'

/**
 * What there is to know of a GPU, in one short run without network or peers: each step in a process of its own and within its own
 * limit, so that one that fails does not stop the rest, and what is known when time is up is kept (`--rows FILE`).
 */
export const gpuSuite: Suite = {
  name: 'gpu',
  summary:
    'a GPU in six minutes, by itself alone: ceilings, kernels, decoding, training, speculation, tuning (--set, --rows)',
  onlyByName: true,
  run: (context) => runGpuSteps(context, fileURLToPath(new URL('../gpu/run-step.ts', import.meta.url))),
}

/**
 * Runs the steps that are asked for.
 *
 * @param script  what runs one: `gpu/run-step.ts`
 */
export async function runGpuSteps(
  { note, settings: given = {}, rowsFile }: Pick<SuiteContext, 'note' | 'settings' | 'rowsFile'>,
  script: string,
): Promise<Row[]> {
  const { settings, steps, seconds } = gpuPlan(given)
  const unknown = steps?.find((name) => !gpuSteps.some((step) => step.name === name))
  if (unknown) throw new Error(`There is no step "${unknown}": ${gpuSteps.map(({ name }) => name).join(', ')}.`)
  const end = performance.now() + 1000 * seconds
  const rows: Row[] = []
  /** Bytes a second of the largest copy, which others are shares of. */
  let copied = 0
  const add = async (row: Row) => {
    const rate = Number(row['GB/s'] ?? 0)
    if (row.step === 'copy') copied = Math.max(copied, rate)
    const share = row.step !== 'copy' && rate > 0 && copied > 0 && { of_copy: rate / copied }
    const said = Object.fromEntries(
      Object.entries({ ...row, ...share }).map(([name, value]) => [
        name,
        typeof value === 'number' ? rounded(value) : value,
      ]),
    )
    rows.push(said)
    if (rowsFile) await appendFile(rowsFile, `${JSON.stringify(said)}\n`)
  }
  for (const step of gpuSteps) {
    if (steps && !steps.includes(step.name)) continue
    const limit = Math.min(step.limit, (end - performance.now()) / 1000)
    if (limit < 5) await add({ step: step.name, case: 'left out: no time' })
    else for await (const row of rowsOf(step, { settings, limit, note, script })) await add(row)
  }
  return rows
}

/** The figures of a step as they come, and how it ended where that was not well. */
async function* rowsOf(
  { name }: GpuStep,
  {
    settings,
    limit,
    note,
    script,
  }: { settings: GpuSettings; limit: number; note: (text: string) => void; script: string },
): AsyncGenerator<Row> {
  const began = performance.now()
  const child = spawn(process.execPath, [...process.execArgv, script, name, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = `${errors}${chunk}`.slice(-2000)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * limit)
  try {
    for await (const line of createInterface(child.stdout)) {
      note(`${name}, ${Math.round((performance.now() - began) / 1000)} s of at most ${Math.round(limit)}`)
      yield { step: name, ...JSON.parse(line) }
    }
    const code = await ended
    if (code === null) yield { step: name, case: `stopped at its limit of ${Math.round(limit)} s` }
    else if (code !== 0) yield { step: name, case: 'failed', wrong: errors.trim().slice(-500) }
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}
