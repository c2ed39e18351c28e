import type { CompletionToken } from '@outrider/evaluation'
import { completionView } from '@outrider/evaluation'
import { SpeculativeDecoder, type TokenSource } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { Decoder, loadCausalLM, type PretrainedModel, parameterShapes, pretrainedModel } from '@outrider/transformer'
import { bundledTarget } from 'outrider/tiny-chat'

const prompt = 'Tell me a story about a mouse and a bell.'
const layers = 9
const origins: Record<TokenSource, CompletionToken['origin']> = {
  draft: 'accepted',
  correction: 'corrected',
  bonus: 'bonus',
  plain: 'plain',
}

/** A draft without training: the target's first layers, the weights shared. */
function firstLayers(target: PretrainedModel): PretrainedModel {
  const config = { ...target.config, layers }
  const names = [...parameterShapes(config)].map(([name]) => name)
  const parameters = Object.fromEntries(names.map((name) => [name, target.model.parameters[name]!]))
  return pretrainedModel(new Decoder(target.model.device, config, parameters), target)
}

/** An answer of the bundled chat model, drafted by its own first layers. */
export async function answerByOrigin(device: Device) {
  const target = await loadCausalLM(bundledTarget(), { device })
  const decoder = new SpeculativeDecoder({ target, drafter: firstLayers(target), draftLength: 4 })
  const tokens: CompletionToken[] = []
  for await (const { pieces } of decoder.generate([{ role: 'user', content: prompt }], { maxTokens: 64 }))
    for (const { text, source } of pieces) tokens.push({ text, origin: origins[source] })
  target.dispose()
  const { blockEfficiency, acceptanceRate, numTargetPasses } = decoder.metrics
  const note = `${tokens.length} tokens in ${numTargetPasses + 1} passes of the target: τ = ${blockEfficiency.toFixed(2)}, α = ${acceptanceRate.toFixed(2)}`
  const title = `Drafted by the first ${layers} of its ${target.config.layers} layers, γ = 4`
  return completionView({ prompt, answers: [{ title, note, tokens }] })
}
