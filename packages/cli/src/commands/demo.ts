import { rm } from 'node:fs/promises'
import { type EvaluationRow, tokenByToken } from '@outrider/evaluation'
import { figuresJson } from '@outrider/speculative'
import { TargetStates } from '@outrider/training'
import { directory, parameterCount, saveCausalLM } from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import { adapterLabel, type Context } from '../context'
import { bundledTarget } from '../demo/bundled-target'
import { findings } from '../demo/findings'
import { measureAll } from '../demo/measure'
import { plan } from '../demo/plan'
import { reportData } from '../demo/report-data'
import { resultTables } from '../demo/result-table'
import { columnsOf } from '../demo/side-by-side'
import { adaptDraft, alignDraft, generateAnswers, pretrainDraft, type TrainedDraft } from '../demo/stages'
import { openModel } from '../models'
import { positionsOfRun, positionsText } from '../options/parallel'
import { claimDirectory, demoDrafts } from '../outputs/index'
import { writeReport } from '../outputs/write-report'
import { count, duration, fixed } from '../terminal'

export const addDemo: AddCommand = (program, run) => {
  const command = program
    .command('demo')
    .summary('the whole method in a few minutes, on a tiny chat model that is bundled')
    .description(
      'Pretrains a draft for a tiny chat model, lets the model answer instructions, fine-tunes copies of the draft on the answers with KLD, TVD and TVD++, adapts one of them to propose a block in one pass, and measures what each gains. Writes the dataset, the drafts (Hugging Face directories) and report.html.',
    )
    .option('--out <dir>', 'where everything is written', './outrider-demo')
  withExamples(withOutputOptions(command), [
    ['All of it', 'outrider demo'],
    [
      'Talk with the pair afterwards',
      'outrider chat --model ./outrider-demo/target --draft ./outrider-demo/draft-tvd++',
    ],
  ])
  command.action((flags: { out: string }) => run((context) => demo(context, flags.out), command))
}

async function demo(context: Context, out: string): Promise<object> {
  const { terminal, signal } = context
  const { style } = terminal
  const began = performance.now()
  context.resume =
    'The demo begins anew each time; the stages as commands of their own (pretrain, generate, distill) can be resumed.'
  await claimDirectory(context, out, { kind: 'demo', inputs: { 'the bundled model': bundledTarget() } })
  await prepare(out)
  const device = await context.device()
  const adapter = adapterLabel(device)
  const target = await openModel(context, bundledTarget(), 'target')
  await saveCausalLM(target, `${out}/target`, { dtype: 'F16' }) // as it is stored: to talk with afterwards
  const head = (number: number, what: string) => terminal.print(`\n${style.bold(`${number}/5 ${what}`)}`)
  const took = timer()

  head(1, 'Pretrain a draft on plain text')
  const pretrained = await pretrainDraft(context, target, out)
  const size = parameterCount(pretrained.model.config)
  const share = size / parameterCount(target.config)
  terminal.print(
    `${count(size)} parameters, ${fixed(share * 100, 1)} % of the target; loss ${fixed(pretrained.history.at(-1)?.loss)} after ${plan.pretraining.steps} steps, ${took()}`,
  )

  head(2, 'Let the target answer instructions (translation is left out)')
  const answers = await generateAnswers(context, target, out)
  terminal.print(
    `${answers.rows} answers at temperatures ${plan.generation.temperatures.join(', ')} and top-p ${plan.generation.topP}, ${count(answers.tokens)} tokens, ${took()}`,
  )

  head(3, 'Fine-tune copies of the draft towards the target')
  const drafts: TrainedDraft[] = [pretrained]
  const teaching = { target, answers: answers.file, targetStates: new TargetStates() }
  const learned = (draft: TrainedDraft, steps: number) => {
    drafts.push(draft)
    terminal.print(
      `${draft.name.padEnd(8)} α ${fixed(alphaAt(draft, 'first'))} → ${fixed(alphaAt(draft, 'last'))} on the training answers in ${steps} steps, ${took()}`,
    )
  }
  for (const loss of plan.distillation.losses)
    learned(await alignDraft(context, teaching, loss, out), plan.distillation.steps)
  const last = plan.distillation.losses.at(-1)!
  const parallel = await adaptDraft(context, teaching, last, out)
  learned(parallel, plan.adaptation.steps)
  terminal.print(
    style.dim(
      `         the draft of ${last}, adapted to propose ${plan.adaptation.draftLength} tokens in one pass: ${positionsText(positionsOfRun(parallel.history))}`,
    ),
  )
  teaching.targetStates.dispose()

  head(4, 'Measure: plain decoding, and every draft at every γ')
  const { rows, costs } = await measureAll(context, target, drafts)
  const { lead, notes } = findings(rows, { costs, parameterRatio: share, adapter })
  terminal.print(resultTables(rows, style.bold))
  terminal.print(
    style.dim(
      '\nτ: tokens per target pass, over all tasks and by task. α: Σ min(p, q).\nMBSU: τ / (1 + cγ), c by parameters. Rates and speed-up are measured here.',
    ),
  )
  terminal.print()
  terminal.printParagraph(lead)
  for (const note of notes) terminal.printParagraph(`· ${note}`, '  ')
  terminal.print(style.dim(`(${took()})`))

  head(5, 'One answer, side by side')
  const prompt = 'Tell me a story about a fox and a kite.'
  const best = bestOf(rows, drafts)
  const ways = [pretrained, best].map(({ name, model }) => ({ title: name, draft: model, draftLength: 3 }))
  const completion = await tokenByToken(target, ways, {
    prompt: [{ role: 'user', content: prompt }],
    shown: prompt,
    maxTokens: 60,
    signal,
  })
  terminal.print(`${prompt}   ${style.green('drafted')}, ${style.red('[corrected]')}, ${style.cyan('added')}\n`)
  terminal.print(columnsOf(completion, { columns: terminal.columns, style, coloured: terminal.coloured }))

  const seconds = (performance.now() - began) / 1000
  const data = reportData({ target, drafts, rows, completion, adapter, lead, notes, answers, seconds })
  const address = await writeReport({ directory: directory(out), file: 'report.html' }, data)
  terminal.print()
  terminal.printParagraph(
    `${style.bold('Written')} to ${out} in ${duration(seconds)}: distillation.jsonl, ${drafts.map(({ name }) => `draft-${name}`).join(', ')}`,
  )
  terminal.print(`Report: ${address}`)
  return { out, adapter, seconds, parameter_ratio: share, lead, notes, results: rows.map(resultJson), completion }
}

/** Removes what an earlier demo wrote, and nothing else. */
async function prepare(out: string): Promise<void> {
  for (const name of ['target', 'distillation.jsonl', 'report.html', ...demoDrafts])
    await rm(`${out}/${name}`, { recursive: true, force: true })
}

/** The mean α of the first or last ten steps. */
function alphaAt({ history }: TrainedDraft, end: 'first' | 'last'): number {
  const rates = history.flatMap(({ acceptance_rate }) => acceptance_rate ?? [])
  const some = end === 'first' ? rates.slice(0, 3) : rates.slice(-10)
  return some.reduce((a, b) => a + b, 0) / some.length
}

function bestOf(rows: readonly EvaluationRow[], drafts: readonly TrainedDraft[]): TrainedDraft {
  const total = (name: string) =>
    rows.filter(({ draft }) => draft === name).reduce((sum, { blockEfficiency }) => sum + blockEfficiency, 0)
  return drafts.slice(1).reduce((a, b) => (total(b.name) > total(a.name) ? b : a))
}

function timer(): () => string {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const text = duration((now - last) / 1000)
    last = now
    return text
  }
}

const resultJson = (row: EvaluationRow) =>
  figuresJson({
    draft: row.draft,
    category: row.task,
    draftLength: row.draftLength,
    temperature: row.temperature,
    blockEfficiency: row.blockEfficiency,
    acceptanceRate: row.acceptanceRate,
    acceptanceRatePerPos: row.acceptanceRatePerPos,
    meanAcceptanceLength: row.meanAcceptanceLength,
    neededAcceptanceLength: row.neededAcceptanceLength,
    pays: row.pays,
    mbsu: row.mbsu,
    plainTokensPerSecond: row.plainTokensPerSecond,
    tokensPerSecond: row.tokensPerSecond,
    speedUp: row.speedUp ?? 0,
    speedUpShare: row.speedUpShare,
  })
