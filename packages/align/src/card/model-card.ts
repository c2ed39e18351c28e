import { count, fixed } from '@outrider/evaluation'
import type { CardData, CardDraft, CardFacts, CardFigures, CardStage, CardTask } from './facts'
import { frontMatter } from './front-matter'
import { useElsewhere } from './use'
import { cell, inline, shellBlock, table } from './write'

/** The file that the Hub shows of a model. */
export const modelCardFile = 'README.md'

/**
 * The model card of a draft (README.md of its directory): front matter for the Hub (its target as `base_model`, the target's
 * license, tags, data sets), what was measured, on what and by which command, what it was made of and how, and how it is used here
 * and in transformers, vLLM and llama.cpp. The same facts give the same text.
 */
export function modelCard(facts: CardFacts): string {
  const { name, target, data, verdict } = facts
  const { id, license, licenseName, licenseLink } = target.origin ?? {}
  const called = id ?? shared(target.source)
  const head = frontMatter({
    license,
    license_name: licenseName,
    license_link: licenseLink,
    base_model: id,
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
    tags: ['speculative-decoding', 'draft-model', 'outrider'],
    datasets: data.datasets,
  })
  const sections = [
    `# ${inline(name)}`,
    `A draft model for speculative decoding of ${inline(called)}. It guesses the target's next tokens, and the target checks them in one pass: answers are the target's own, in less time. Used alone it is of no use.`,
    ...(verdict === undefined ? [] : [inline(verdict)]),
    ...figures(facts),
    '## How it was made',
    [
      `- Target: ${inline(called)}, ${count(target.parameters)} parameters.`,
      `- Draft: ${draft(facts.draft)}.`,
      ...learned(data),
    ].join('\n'),
    ...training(facts.training),
    'The same again:',
    shellBlock(facts.madeBy),
    '## How it is used',
    ...useElsewhere(facts),
    '## License',
    license === undefined
      ? "The target's files name no license. The draft was made from the target's answers: look up the target's terms before you pass it on."
      : `${inline(licenseName ?? license)}, as the target's.`,
  ]
  return `${head}\n${sections.join('\n\n')}\n`
}

/** A name on the Hub as it is; of a path its end, as nobody else has the folders. */
const shared = (source: string): string =>
  /^[^./\\][^/\\]*\/[^/\\]+$/.test(source) && !/\.gguf$/i.test(source) ? source : source.split(/[/\\]/).at(-1)!

function figures({ figures, byTask = [], adapter, measuredBy }: CardFacts): string[] {
  if (figures.length === 0) return []
  const row = (one: CardFigures) => [
    cell(one.way),
    cell(one.asked),
    String(one.prompts),
    String(one.draftLength),
    temperature(one),
    fixed(one.blockEfficiency),
    fixed(one.acceptanceRate),
    fixed(one.costRatio, 3),
    speedUp(one),
  ]
  const titles = ['drafted by', 'asked', 'prompts', 'γ', 'temperature', 'τ', 'α', 'c', 'speed-up']
  return [
    '## What it gains',
    table(titles, figures.map(row)),
    `τ: tokens a pass of the target. α: acceptance of a drafted token. c: a step of the draft over a pass of the target. Speed-up: measured, over plain decoding of the same prompts${adapter === undefined ? '' : `, on ${inline(adapter)}`}.`,
    ...tasks(byTask),
    ...(measuredBy ? ['Measured by:', shellBlock(measuredBy)] : []),
  ]
}

function tasks(byTask: readonly CardTask[]): string[] {
  if (byTask.length === 0) return []
  const ways = byTask[0]!.ways.map(({ way }) => cell(way))
  const rows = byTask.map(({ task, prompts, ways, ...one }) => [
    cell(task),
    String(prompts),
    temperature(one),
    ...ways.map((way) => `${speedUp(way)} (${fixed(way.blockEfficiency)})`),
  ])
  return ['By task, with γ auto: speed-up, and τ.', table(['asked', 'prompts', 'temperature', ...ways], rows)]
}

const temperature = ({ temperature }: Pick<CardFigures, 'temperature'>): string =>
  temperature === 0 ? 'greedy' : String(temperature)

const speedUp = ({ speedUp }: Pick<CardFigures, 'speedUp'>): string => (speedUp === null ? '–' : `${fixed(speedUp)}×`)

function draft({ parameters, layers, hiddenSize, vocabularySize, covered }: CardDraft): string {
  const says = covered === undefined ? '' : `, of which it says ${count(covered)}`
  return `a Llama of ${layers} ${layers === 1 ? 'layer' : 'layers'} of ${hiddenSize}, ${count(parameters)} parameters, vocabulary ${vocabularySize} as the target's${says}`
}

function learned({ instructions, answers, answerTokens, temperatures, text }: CardData): string[] {
  const at = temperatures.length === 0 ? '' : `, at temperatures ${temperatures.join(', ')}`
  return [
    `- Instructions: ${inline(instructions)}.`,
    `- Answers: ${count(answers)} of the target itself, ${count(answerTokens)} tokens${at}.`,
    ...(text === undefined ? [] : [`- Text before that: ${inline(text)}.`]),
  ]
}

function training(stages: readonly CardStage[]): string[] {
  if (stages.length === 0) return []
  const rows = stages.map(({ name, loss, steps, tokens, finalLoss }) => [
    cell(name),
    cell(loss),
    String(steps),
    count(tokens),
    fixed(finalLoss, 3),
  ])
  return [table(['stage', 'loss', 'steps', 'tokens', 'loss at the end'], rows)]
}
