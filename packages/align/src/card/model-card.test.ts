import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { CardFacts } from './facts'
import { modelCard } from './model-card'

const facts: CardFacts = {
  name: 'small-draft',
  place: './draft',
  target: { source: 'org/chat', parameters: 134.5e6, origin: { id: 'org/chat', license: 'apache-2.0' } },
  draft: { parameters: 6.8e6, layers: 2, hiddenSize: 128, vocabularySize: 49152, covered: 8192 },
  data: {
    instructions: '400 of our own',
    answers: 1200,
    answerTokens: 90_000,
    temperatures: [0, 0.7],
    text: 'the target, unasked',
    datasets: ['org/instructions'],
  },
  training: [
    { name: 'pretrain', loss: 'cross-entropy', steps: 500, tokens: 2e6, finalLoss: 4.125 },
    { name: 'distill', loss: 'kld', steps: 300, tokens: 1e6 },
  ],
  figures: [
    {
      way: 'the draft',
      asked: 'chat | code',
      prompts: 20,
      draftLength: 3,
      temperature: 0,
      blockEfficiency: 1.312,
      acceptanceRate: 0.3,
      costRatio: 0.0112,
      speedUp: 1.06,
    },
  ],
  adapter: 'llvmpipe, software',
  measuredBy: ['outrider evaluate --target org/chat --draft ./draft --prompts prompts.jsonl'],
  madeBy: ['outrider align --target org/chat --out ./draft'],
  verdict: 'Answers come 1.06 times as fast.',
  draftLength: 3,
}

const matter = (card: string) => parse(card.split('---\n')[1]!) as Record<string, unknown>
/** Its fenced blocks, by language. */
const blocks = (card: string) =>
  [...card.matchAll(/^(`{3,})(\w+)\n(.*?)\n\1$/gms)].map(([, , language, text]) => ({ language, text: text! }))

describe('a model card', () => {
  it('tells the Hub the target, its license, tags and data sets', () => {
    expect(matter(modelCard(facts))).toEqual({
      license: 'apache-2.0',
      base_model: 'org/chat',
      library_name: 'transformers',
      pipeline_tag: 'text-generation',
      tags: ['speculative-decoding', 'draft-model', 'outrider'],
      datasets: ['org/instructions'],
    })
  })

  it('passes on a license of another name with its link, whatever is in them', () => {
    const origin = { license: 'other', licenseName: 'yes', licenseLink: 'https://a.b/c: "d" # e' }
    const card = modelCard({ ...facts, target: { ...facts.target, origin } })
    expect(matter(card)).toMatchObject({ license: 'other', license_name: 'yes', license_link: origin.licenseLink })
    expect(matter(card)).not.toHaveProperty('base_model')
    expect(card).toContain("yes, as the target's.")
  })

  it('says where no license is known', () => {
    const card = modelCard({ ...facts, target: { source: './chat', parameters: 1 } })
    expect(matter(card)).not.toHaveProperty('license')
    expect(card).toContain("The target's files name no license.")
  })

  it('gives speed-up and τ by task, where tasks were told apart', () => {
    expect(modelCard(facts)).not.toContain('By task')
    const ways = [
      { way: 'prompt lookup', speedUp: null, blockEfficiency: 1 },
      { way: 'the draft', speedUp: 1.084, blockEfficiency: 1.312 },
    ]
    const byTask = [
      { task: 'code', prompts: 4, temperature: 0, ways },
      { task: 'a|b', prompts: 3, temperature: 0.7, ways },
    ]
    const card = modelCard({ ...facts, byTask })
    expect(card).toContain('| asked | prompts | temperature | prompt lookup | the draft |\n')
    expect(card).toContain('| code | 4 | greedy | – (1.00) | 1.08× (1.31) |')
    expect(card).toContain('| a\\|b | 3 | 0.7 | – (1.00) | 1.08× (1.31) |')
  })

  it('gives figures with adapter and command, data, training and the verdict', () => {
    const card = modelCard(facts)
    expect(card).toContain('| the draft | chat \\| code | 20 | 3 | greedy | 1.31 | 0.30 | 0.011 | 1.06× |')
    expect(card).toContain('on llvmpipe, software.')
    expect(card).toContain('1.2K of the target itself, 90.0K tokens, at temperatures 0, 0.7')
    expect(card).toContain("2 layers of 128, 6.8M parameters, vocabulary 49152 as the target's, of which it says 8.2K")
    expect(card).toContain('| pretrain | cross-entropy | 500 | 2.0M | 4.125 |')
    expect(card).toContain('| distill | kld | 300 | 1.0M | – |')
    expect(card).toContain('Answers come 1.06 times as fast.')
    const commands = blocks(card).filter(({ language }) => language === 'sh')
    expect(commands.map(({ text }) => text)).toEqual(expect.arrayContaining([...facts.madeBy, ...facts.measuredBy!]))
  })

  it('calls a target by its name on the Hub, and by the end of its path where it has none', () => {
    const called = (source: string) => modelCard({ ...facts, target: { source, parameters: 1 } })
    for (const path of ['/home/me/chat.gguf', 'C:\\models\\chat.gguf', 'models/chat.gguf'])
      expect(called(path)).toContain('- Target: chat.gguf, ')
    expect(called('./some/chat')).toContain('speculative decoding of chat.')
    expect(called('org/chat')).toContain('- Target: org/chat, ')
  })

  it('leaves out what was not measured', () => {
    const card = modelCard({ ...facts, figures: [], training: [] })
    expect(card).not.toContain('What it gains')
    expect(card).not.toContain('undefined')
  })

  it('shows how it is used with a target of the Hub', () => {
    const used = blocks(modelCard(facts)).map(({ text }) => text)
    expect(used).toContain('outrider chat --model org/chat --draft ./draft')
    expect(used.find((text) => text.includes('assistant_model'))).toContain('from_pretrained("org/chat")')
    expect(used).toContain(
      `vllm serve org/chat --speculative-config '{"method":"draft_model","model":"./draft","num_speculative_tokens":3}'`,
    )
    expect(used).toContain(
      'outrider export --model ./draft --out draft.gguf --dtype q8_0\nllama-server -m target.gguf -md draft.gguf --draft-max 3',
    )
  })

  it('and with a GGUF file, which transformers opens by its name and vLLM does not', () => {
    const target = { source: "my models/chat's.gguf", parameters: 1 }
    const card = modelCard({ ...facts, target, hasAnswers: true, gguf: 'draft.gguf' })
    const used = blocks(card).map(({ text }) => text)
    expect(used).toContain(`outrider chat --model 'my models/chat'\\''s.gguf' --draft lookup+./draft`)
    expect(used.join('\n')).toContain('from_pretrained("my models", gguf_file="chat\'s.gguf")')
    expect(card).not.toContain('vllm serve')
    expect(used).toContain(`llama-server -m 'my models/chat'\\''s.gguf' -md ./draft/draft.gguf --draft-max 3`)
  })

  it('shows names from elsewhere as they are, and no markup of theirs', () => {
    const card = modelCard({ ...facts, name: 'a_b <img src=x>\n# c', madeBy: ['echo "```"'] })
    expect(card).toContain('# a_b \\<img src=x\\> \\# c\n')
    expect(card).toContain('````sh\necho "```"\n````')
  })
})
