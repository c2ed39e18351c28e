import { answersIn, type DataSource, jsonl } from '@outrider/dataset'
import { AnswerTable } from '@outrider/speculative'
import { throwIfAborted } from '@outrider/transformer'
import type { Answering } from '../teacher/teacher'
import { files, type Run } from './run'
import { keepSeeds } from './seeds'

/** What a stage found, as it is kept. */
export interface Generated {
  rows: number
  tokens: number
}

/**
 * The target's own answers (Goel et al. 2024, section 3.2): to what is held out, to the user's instructions over the grid, to
 * ours, with what it thought of each token of them; and the table of them, which already speeds the target up while nothing is trained.
 */
export async function generateAnswers(run: Run, seeds: DataSource | undefined): Promise<Generated> {
  const { folder, plan, teacher } = run
  await keepSeeds(run, seeds)
  const { temperatures } = plan.generate
  using answering = teacher.answering(run)
  const heldOut = { label: 'held out', seeds: files.heldOutSeeds, out: files.heldOut, temperatures: [0, 0.7] }
  await answer(run, answering, heldOut)
  for (const [label, file, at] of [
    ['your instructions', files.seeds, temperatures],
    ['instructions', files.written, temperatures.slice(0, 1)],
  ] as const)
    if ((await folder.size(file)) > 0)
      await answer(run, answering, { label, seeds: file, out: files.answers, temperatures: at })
  await answering.think([files.heldOut, files.answers])
  return await keepTable(run)
}

async function answer(
  { folder, plan, signal, tell }: Run,
  answering: Answering,
  { label, seeds, out, temperatures }: { label: string; seeds: string; out: string; temperatures: readonly number[] },
): Promise<void> {
  const { maxTokens, topP, batchSize } = plan.generate
  let last = { tokens: 0, seconds: 0 }
  await answering.answer({
    seeds: jsonl({ directory: folder, file: seeds }),
    out: { directory: folder, file: out },
    temperatures,
    maxTokens,
    topP,
    batchSize,
    seed: plan.asked.seed,
    signal,
    onProgress({ rows, total, tokens, seconds }) {
      const rate = (tokens - last.tokens) / (seconds - last.seconds)
      const isNew = tokens > last.tokens && seconds > last.seconds
      if (isNew) last = { tokens, seconds }
      tell({
        kind: 'progress',
        label,
        done: rows,
        total,
        unit: 'answers',
        note: `${tokens} tokens`,
        ...(isNew && { figure: { name: 'tokens/s', value: rate, decimals: 0 } }),
      })
    },
  })
}

/** The table beside the draft, of what the target answered: `outrider table` makes the same. */
async function keepTable({ target, folder, out, signal }: Run): Promise<Generated> {
  const table = new AnswerTable(target.tokenizer)
  let [rows, tokens] = [0, 0]
  for await (const said of answersIn(jsonl({ directory: folder, file: files.answers }), target)) {
    throwIfAborted(signal)
    table.add(said)
    rows++
    tokens += said.length
  }
  await out.write(AnswerTable.usualFile, table.toBytes())
  return { rows, tokens }
}
