import type { VerificationName } from '@outrider/speculative'

/** How a prompt is answered. */
export interface Setting {
  /** What drafts; 'draft' stands for a model, by the name of its folder. */
  drafter: 'plain' | 'lookup' | 'lookup, else table' | `draft ${string}` | `lookup, else table, else draft ${string}`
  draftLength?: number | 'auto'
  verification?: VerificationName
  sampled: boolean
}

/** As people chat. */
export const sampling = { temperature: 0.6, topP: 0.9 }

/**
 * Every draft greedily at γ 3; the first of them, what can be looked up, and both, over γ 3, 5 and auto, by both rules, greedily
 * and sampled. A rule makes no difference to what is greedy or looked up alone.
 */
export function settingsOf(drafts: readonly string[]): Setting[] {
  const [best, ...others] = drafts
  const settings: Setting[] = [
    { drafter: 'plain', sampled: false },
    ...others.map((name) => greedy(`draft ${name}`, 3)),
  ]
  for (const draftLength of [3, 5, 'auto'] as const) {
    settings.push(greedy('lookup', draftLength), greedy('lookup, else table', draftLength))
    if (best)
      settings.push(greedy(`draft ${best}`, draftLength), greedy(`lookup, else table, else draft ${best}`, draftLength))
  }
  settings.push({ drafter: 'plain', sampled: true })
  for (const draftLength of [3, 5, 'auto'] as const) {
    settings.push({ drafter: 'lookup, else table', draftLength, verification: 'block', sampled: true })
    if (!best) continue
    for (const drafter of [`draft ${best}`, `lookup, else table, else draft ${best}`] as const)
      for (const verification of ['token', 'block'] as const)
        settings.push({ drafter, draftLength, verification, sampled: true })
  }
  return settings
}

const greedy = (drafter: Setting['drafter'], draftLength: number | 'auto'): Setting => ({
  drafter,
  draftLength,
  verification: 'block',
  sampled: false,
})

/** Those that hold all the texts, and the plain decoding that they stand beside. */
export function settingsWith(settings: readonly Setting[], texts: readonly string[]): Setting[] {
  const wanted = settings.filter((setting) => texts.every((text) => nameOf(setting).includes(text)))
  const beside = (plain: Setting) => wanted.some(({ sampled }) => sampled === plain.sampled)
  return settings.filter((setting) => wanted.includes(setting) || (setting.drafter === 'plain' && beside(setting)))
}

/** What a line of the log is known by. */
export const nameOf = ({ drafter, draftLength, verification, sampled }: Setting): string =>
  [
    drafter,
    ...(draftLength === undefined ? [] : [`γ ${draftLength}`]),
    ...(sampled && verification ? [verification] : []),
    sampled ? 'sampled' : 'greedy',
  ].join(' · ')

/** What a setting is measured against. */
export const plainOf = (name: string): string => nameOf({ drafter: 'plain', sampled: name.endsWith('sampled') })

/** Another engine's setting has its name before it, in every log. */
export const inEngine = (engine: 'transformers' | 'llama.cpp' | 'vLLM', setting: Setting): string =>
  `${engine}: ${nameOf(setting)}`

/** Plain decoding in the engine of a setting: ours, or another. */
export const ownPlainOf = (name: string): string =>
  `${/^(transformers|llama\.cpp|vLLM): /.exec(name)?.[0] ?? ''}${plainOf(name)}`
