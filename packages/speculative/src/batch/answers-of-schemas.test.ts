import { testDevice } from '@outrider/tensor/testing'
import {
  ContinuousBatch,
  type GenerateOptions,
  jsonSchemaConstraint,
  type PretrainedModel,
} from '@outrider/transformer'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formatsOf from 'ajv-formats'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { conformance } from '../../../transformer/src/grammar/conformance.fixture'
import { tinyModel } from '../../../transformer/src/pretrained/tiny-model.fixture'
import { SpeculativeBatch } from './speculative-batch'

const sizes = { contextLength: 256, eosTokenIds: [257] }
const prompt = [...Buffer.from('As JSON:')]
// A model that knows nothing would write a string without end: it closes what it has opened.
const logitBias = Object.fromEntries(
  Object.entries({ '"': 9, ']': 5, '}': 5, '@': 5 }).map(([byte, bias]) => [byte.charCodeAt(0), bias]),
)

const ajv = formatsOf.default(new Ajv2020({ strict: false }))

let target: PretrainedModel
let draft: PretrainedModel
beforeAll(async () => {
  const device = await testDevice()
  target = tinyModel(device, sizes)
  draft = tinyModel(device, { ...sizes, seed: 4 })
})
afterAll(() => {
  target.model.dispose()
  draft.model.dispose()
})

const asked = (sampling: GenerateOptions) =>
  conformance.map(({ schema }, seed) => ({
    ...{ maxTokens: 220, logitBias, frequencyPenalty: 1, seed, ...sampling },
    constraint: jsonSchemaConstraint(target, schema),
  }))

/** What is said to each, all at once. */
async function answersOf(sampling: GenerateOptions) {
  const plain = new ContinuousBatch(target, { size: conformance.length })
  const answers = asked(sampling).map((options) => plain.join(prompt, options).answer)
  while (plain.count > 0) await plain.step()
  return answers
}

async function draftedAnswersOf(sampling: GenerateOptions) {
  const batch = new SpeculativeBatch({ target, drafter: draft, size: conformance.length })
  const sequences = asked(sampling).map((options, i) => batch.join(prompt, { ...options, draftLength: 1 + (i % 4) }))
  while (batch.count > 0) await batch.step()
  return sequences
}

it.each([{ temperature: 0 }, { temperature: 1 }])(
  'answers to every schema of the conformance tests, with a draft and without, are JSON that fits it, %o',
  async (sampling) => {
    const plain = await answersOf(sampling)
    const drafted = await draftedAnswersOf(sampling)
    for (const [i, { name, schema }] of conformance.entries()) {
      const validate = ajv.compile(schema)
      for (const { text, finishReason } of [plain[i]!, drafted[i]!.answer]) {
        expect([name, finishReason]).toEqual([name, 'stop'])
        expect(validate(JSON.parse(text)), `${name}: ${text}: ${ajv.errorsText(validate.errors)}`).toBe(true)
      }
    }
    const texts = plain.map(({ text }) => text)
    const draftedTexts = drafted.map(({ answer }) => answer.text)
    if (sampling.temperature === 0) expect(draftedTexts).toEqual(texts)
    const forced = drafted.flatMap(({ metrics }) =>
      metrics.figures.drafters.filter(({ drafter }) => drafter === 'constraint'),
    )
    expect(forced.reduce((sum, { numAcceptedTokens }) => sum + numAcceptedTokens, 0)).toBeGreaterThan(50)
  },
)
