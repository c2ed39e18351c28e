import { createDevice } from '@outrider/tensor'
import { generate, loadCausalLM } from '@outrider/transformer'

/** Greedy continuations by one model from everywhere that a browser can load it from. */
export default async function wildModels({ prompt, tokens }: { prompt: string; tokens: number }) {
  const device = await createDevice()
  const endpoint = `${location.origin}/hub`
  const folder = `${endpoint}/tiny/stories/resolve/main`
  const answers: Record<string, number[]> = {}
  for (const source of [
    'tiny/stories',
    'tiny/stories/stories260K.f32.gguf',
    folder,
    `${folder}/stories260K.f32.gguf`,
  ]) {
    const model = await loadCausalLM(source, { device, hub: { endpoint } })
    const answer: number[] = []
    for await (const { token } of generate(model, prompt, { maxTokens: tokens, temperature: 0 })) answer.push(token)
    answers[source.replace(endpoint, '')] = answer
    model.dispose()
  }
  const missing = await loadCausalLM('tiny/nothing', { device, hub: { endpoint } }).catch(
    (error: Error) => error.message,
  )
  return { answers, missing, leakedBytes: device.memory.liveBytes }
}
