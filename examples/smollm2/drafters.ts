import { readFile } from 'node:fs/promises'
import { AnswerTable, answerLookup, type Drafter, firstOf, modelDrafter, promptLookup } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import { loadCausalLM } from '@outrider/transformer'
import { draftIn, namedDrafts } from './drafts'
import type { Setting } from './settings'

/** What drafts in each setting: models from folders, and lookups in the conversation and in a table of answers. */
export class Drafters {
  readonly #models: ReadonlyMap<string, Drafter>
  readonly #lookup = promptLookup()
  readonly #lookedUp: Drafter

  private constructor(models: ReadonlyMap<string, Drafter>, table: AnswerTable) {
    this.#models = models
    this.#lookedUp = firstOf(this.#lookup, answerLookup(table))
  }

  /**
   * @param drafts  NAME=FOLDER, or folders
   * @param table   an answers.bin; without it, answers of this run are looked up in
   */
  static async open(
    device: Device,
    vocabulary: { vocabularySize: number; fingerprint: string },
    { drafts, table }: { drafts: readonly string[]; table: string | undefined },
  ): Promise<Drafters> {
    const models = new Map<string, Drafter>()
    for (const [name, folder] of namedDrafts(drafts))
      models.set(name, modelDrafter((await loadCausalLM(draftIn(folder), { device })).model))
    const answers = table
      ? AnswerTable.fromBytes(await readFile(table), vocabulary, { where: table })
      : new AnswerTable(vocabulary)
    return new Drafters(models, answers)
  }

  /** Names of the models. */
  get names(): string[] {
    return [...this.#models.keys()]
  }

  /** What compiling and measuring is done with: the first model, or else lookups. */
  get first(): Drafter {
    return [...this.#models.values()][0] ?? this.#lookup
  }

  /** The model that drafts in a setting, if one does. */
  modelOf({ drafter }: Setting): Drafter | undefined {
    return this.#models.get(drafter.split('draft ')[1] ?? '')
  }

  of(setting: Setting): Drafter {
    const { drafter } = setting
    const model = this.modelOf(setting)
    if (model) return drafter.startsWith('draft') ? model : firstOf(this.#lookedUp, model)
    return drafter === 'lookup' ? this.#lookup : this.#lookedUp
  }
}
