import type { Batch, BatchesIdentity, BatchStream } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import {
  contentHash,
  type ModelIdentity,
  modelIdentity,
  type PretrainedModel,
  type RecordedTuning,
  type TrainableLM,
} from '@outrider/transformer'
import type { Objective } from '../loop/objective'

/** What decides the bits of a run, beside its settings. Another adapter is allowed: results differ in their last bits. */
export interface RunIdentity extends RecordedTuning {
  /** The draft that it began with. */
  draft: ModelIdentity
  target?: ModelIdentity | undefined
  /** What the objective is made of beside its name, where it says so. */
  objective?: unknown
  /** Rows and shares; of batches that a program makes itself nothing is known. */
  data?: BatchesIdentity | undefined
  /** A hash of the held-out batches. They decide nothing but the figures that are measured on them. */
  validation?: string | undefined
  /** Of a run without a target: the model that they are measured against. */
  heldOutTarget?: ModelIdentity | undefined
}

/** The identity of a run that is about to begin, or to go on. */
export async function runIdentity(
  model: PretrainedModel<TrainableLM>,
  { target, heldOutTarget, definition }: Objective,
  batches: BatchStream,
  validation: readonly Batch[] = [],
): Promise<RunIdentity> {
  return asJson({
    draft: await modelIdentity(model),
    target: target && (await modelIdentity(target)),
    objective: definition,
    data: await batches.identity?.(),
    validation: validation.length > 0 ? await contentHash(validation.map(contentOf)) : undefined,
    heldOutTarget: heldOutTarget && validation.length > 0 ? await modelIdentity(heldOutTarget) : undefined,
    adapter: model.model.device.adapterName,
  })
}

/**
 * Makes sure that a run goes on as the one that it was begun as.
 *
 * @param where  the checkpoint's name, for errors
 * @param options.weights              those of the checkpoint, and of its best: a program may go on with the draft as it was when
 *   the run stopped, or ended
 * @param options.choosesByValidation  held-out rows decide which weights the run ends in
 * @returns what is not as it was, or not known to be, and does not forbid to go on: sentences
 * @throws OutriderError INVALID_ARGUMENT, which names what is another
 */
export function assertSameRun(
  where: string,
  before: RunIdentity | undefined,
  now: RunIdentity,
  {
    weights = [],
    choosesByValidation = false,
  }: { weights?: readonly (string | undefined)[]; choosesByValidation?: boolean } = {},
): string[] {
  if (!before)
    return [
      `${where} was written by an older version, which did not record its rows, target and draft: whether they are the same is not known.`,
    ]
  const refuse = (what: string) => {
    throw new OutriderError('INVALID_ARGUMENT', `${where} was made with ${what}.`, {
      remedy: 'Resume with the same, or train into another directory.',
    })
  }
  const draft = modelDifference(before.draft, now.draft)
  if (draft && !(weights.includes(now.draft.weights) && draft === otherWeights)) refuse(`another draft: ${draft}`)
  if (!before.target !== !now.target) refuse(before.target ? 'a target, and this run has none' : 'no target')
  const target = before.target && modelDifference(before.target, now.target!)
  if (target) refuse(`another target: ${target}`)
  const data = dataDifference(before.data, now.data)
  if (data) refuse(data)
  if (!same(before.objective, now.objective)) refuse('another loss of the same name')
  const remarks: string[] = []
  const areOthers = before.validation && now.validation && before.validation !== now.validation
  if (areOthers && choosesByValidation) refuse('other held-out rows, by which its best checkpoint is chosen')
  if (areOthers)
    remarks.push(`${where} was measured on other held-out rows: the figures before and after it cannot be compared.`)
  const measure = before.heldOutTarget && now.heldOutTarget && modelDifference(before.heldOutTarget, now.heldOutTarget)
  if (measure && choosesByValidation)
    refuse(`another target for held-out rows, by which its best checkpoint is chosen: ${measure}`)
  if (measure)
    remarks.push(
      `${where} was measured against another target (${measure}): α and acceptance lengths before and after it cannot be compared.`,
    )
  if (before.adapter !== now.adapter)
    remarks.push(
      `${where} was made on ${before.adapter}, and this is ${now.adapter}: results may differ in their last bits.`,
    )
  return remarks
}

const contentOf = ({ tokens, lossMask, length }: Batch) => [length, tokens.join(), lossMask.join()]

const otherWeights = 'its weights are not the same'

function modelDifference(before: ModelIdentity, now: ModelIdentity): string | undefined {
  for (const key of new Set([...Object.keys(before.config), ...Object.keys(now.config)]))
    if (!same(before.config[key], now.config[key])) return `${key} ${differ(before.config[key], now.config[key])}`
  if (before.dtype !== now.dtype) return `its dtype ${differ(before.dtype, now.dtype)}`
  if (before.cache !== now.cache) return `its cache ${differ(before.cache ?? 'f32', now.cache ?? 'f32')}`
  return before.weights === now.weights ? undefined : otherWeights
}

function dataDifference(before: BatchesIdentity | undefined, now: BatchesIdentity | undefined): string | undefined {
  if (!before || !now) return before === now ? undefined : 'batches that were made in another way'
  if (before.length !== now.length)
    return `${before.length} ${before.length === 1 ? 'source' : 'sources'} of rows, and this run has ${now.length}`
  for (const [i, was] of before.entries()) {
    const { name, share, examples, rows } = now[i]!
    if (share !== was.share)
      return `another mixture: the share of ${was.name} ${differ(percent(was.share), percent(share))}`
    if (rows === was.rows) continue
    const count = examples === was.examples ? '' : ` (${was.examples} examples; this run has ${examples})`
    return name === was.name ? `other rows in ${name}${count}` : `other rows: ${was.name}, not ${name}${count}`
  }
  return undefined
}

const differ = (before: unknown, now: unknown) => `was ${JSON.stringify(before)}, and is ${JSON.stringify(now)}`

const percent = (share: number): string => `${Number((share * 100).toPrecision(4))} %`

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value))
