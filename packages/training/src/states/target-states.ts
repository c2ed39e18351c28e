import type { AnswerStates } from '@outrider/dataset'
import type { CoveredStates } from '@outrider/losses'
import { type CoveredIds, OutriderError, readAll, type Tensor } from '@outrider/tensor'
import { unpackHalves } from '@outrider/tensor/internal'
import {
  type CausalLM,
  type Directory,
  hasHiddenStates,
  modelIdentity,
  type PretrainedModel,
} from '@outrider/transformer'
import { CoveredHeads } from './covered-target'
import type { HiddenStateFiles } from './hidden-state-files'
import { LogNormalizers } from './log-normalizers'
import type { HostBatch, Reading } from './read-positions'
import { bytesOf, StateFiles, type StatesIdentity, type StatesOfRow } from './state-files'
import { StateMemory } from './state-memory'
import { answerRow, statesFrom, statesOfRow, type TargetRow, targetRows } from './target-rows'

export interface TargetStatesOptions {
  /**
   * Most bytes of the device's memory; default 512 MiB. A position that is learnt takes two bytes times the target's hidden size,
   * or four times its vocabulary where it shows no hidden states; for a trimmed draft four bytes more, of an eighth of this beside it.
   */
  memoryBytes?: number | undefined
  /** Where they are kept, too, and ln Σ exp beside them, for runs that go on and runs to come on the same rows: in a folder by target and adapter. */
  directory?: Directory | undefined
  /** Most bytes in the directory, whatever target they are of; default 16 GiB. */
  directoryBytes?: number | undefined
  /** They are written there in files of about so many bytes, and at the end of a run: what a kill may cost. Default 4 MiB. */
  fileBytes?: number | undefined
  /** What an engine elsewhere gave at the rows (`openHiddenStates`): found there, a row is read by nobody here. */
  hiddenStates?: HiddenStateFiles | undefined
  /** Told, a sentence at a time, of files that are damaged and of a directory that cannot be written. Default: the console. */
  onTrouble?: ((message: string) => void) | undefined
}

/** How often rows were asked for, and where their states came from. */
export interface TargetStatesFigures {
  fromMemory: number
  fromDirectory: number
  computed: number
}

/** What the target says of a batch. Its tensors belong to the scope that they were asked for in, but for those of a covered head. */
export interface StatesOfBatch {
  /** f32 [positions, hidden or vocabulary]. */
  states: Tensor
  /** The number in the batch of each of these positions, ascending. */
  numbers: Uint32Array
  /** Of a target with hidden states, for a draft that covers some ids: its head over these, and ln Σ exp over all. */
  covered?: Pick<CoveredStates, 'head' | 'logNormalizers'> | undefined
}

/**
 * What the target says of the rows of a dataset, kept by row: its hidden states at the positions that are learnt, in half
 * precision. They say the same in every epoch, so that from the second on, or from the first of another run, a step costs the
 * draft alone. In memory, then in a directory, each up to so many bytes; past these the rest is computed again.
 *
 * They are rounded to f16 wherever they are used, and a row is read alone: one that is found, one that is not and one computed
 * again have the same bits. Whole logits, of a target that shows no hidden states, stay f32. Only states that came with an answer
 * (`keep`) may differ in last digits from what reading the row would give: they are a part of the data, as the answer is.
 *
 * One serves several runs, one after another, with one target: several losses or drafts on the same rows. Whoever makes one
 * disposes of it.
 */
export class TargetStates {
  readonly #memory: StateMemory
  readonly #logNormalizers: LogNormalizers
  readonly #coveredHeads = new CoveredHeads()
  readonly #options: TargetStatesOptions
  #files: Promise<StateFiles> | undefined
  #target: PretrainedModel<CausalLM> | undefined
  /** Of the rows at hand: tensors that belong to whoever holds them. */
  readonly #held = new Map<string, Tensor>()
  readonly #figures: TargetStatesFigures = { fromMemory: 0, fromDirectory: 0, computed: 0 }

  constructor(options: TargetStatesOptions = {}) {
    this.#options = options
    const memoryBytes = options.memoryBytes ?? 2 ** 29
    this.#memory = new StateMemory(memoryBytes)
    this.#logNormalizers = new LogNormalizers(memoryBytes / 8, options.directory !== undefined)
  }

  /** Bytes of the device's memory that are kept. */
  get bytes(): number {
    return this.#memory.bytes + this.#logNormalizers.bytes
  }

  /** What an engine elsewhere gave, where states are taken from it. */
  get hiddenStates(): HiddenStateFiles | undefined {
    return this.#options.hiddenStates
  }

  get figures(): Readonly<TargetStatesFigures> {
    return this.#figures
  }

  /**
   * Keeps what the target said its answers from (`onStates` of `generateDataset`), so that it need not read them again: in the
   * directory, written when this returns, or else in memory. Of rows that are there already, and where there is no room, nothing.
   *
   * @throws OutriderError INVALID_ARGUMENT where they are kept of two targets
   */
  async keep(target: PretrainedModel<CausalLM>, answers: readonly AnswerStates[]): Promise<void> {
    this.#assertSame(target)
    const files = await this.#openFiles(target)
    for (const answer of answers) {
      const row = answerRow(answer)
      const bytes = bytesOf(answer.hidden)
      if (files) {
        if (!(await files.read(row.key))) await files.add(row.key, stored(target.model, row, bytes))
      } else if (!this.#memory.has(row.key)) {
        using states = wordsOf(target.model, row, bytes)
        this.#memory.add(row.key, states)
      }
    }
    await files?.flush()
  }

  /**
   * Has the states of batches at hand until what it returns is disposed of: found, or computed and kept where there is room. Those
   * of rows that were drawn for one step are never kept.
   *
   * @throws OutriderError INVALID_ARGUMENT where they are asked for of two targets
   */
  async hold(target: PretrainedModel<CausalLM>, batches: readonly HostBatch[], reading: Reading): Promise<Disposable> {
    this.#assertSame(target)
    const held: string[] = []
    const passing = new Set<string>() // drawn for this step: they are not kept beyond it
    const hold = (key: string, states: Tensor) => {
      this.#held.set(key, states.keep())
      held.push(key)
    }
    try {
      const files = await this.#openFiles(target)
      const asked = batches.flatMap((batch) => rowsOf(batch, reading))
      if (files) {
        const { device } = target.model
        await this.#logNormalizers.write(files, device)
        const lasting = asked.filter(({ drawn }) => !drawn).map(({ row }) => row)
        await this.#logNormalizers.find(files, lasting, device)
      }
      const computed: TargetRow[] = []
      for (const { row, drawn } of asked) {
        if (this.#held.has(row.key) || this.#memory.has(row.key)) {
          this.#figures.fromMemory++
          continue
        }
        const found = drawn ? undefined : await files?.read(row.key)
        if (found) {
          hold(row.key, wordsOf(target.model, row, found))
          this.#figures.fromDirectory++
          continue
        }
        const told = drawn ? undefined : await this.#elsewhere(target.model, row)
        if (told) {
          hold(row.key, told)
          this.#figures.fromDirectory++
        } else {
          hold(row.key, statesOfRow(target.model, row))
          this.#figures.computed++
          if (drawn) passing.add(row.key)
          else computed.push(row)
        }
      }
      if (files) await this.#write(files, target.model, computed)
    } catch (error) {
      this.#letGo(held)
      throw error
    }
    for (const key of held) if (!passing.has(key)) this.#memory.add(key, this.#held.get(key)!)
    return { [Symbol.dispose]: () => this.#letGo(held) }
  }

  /**
   * The states of a batch, row after row: of the positions that are learnt alone, or of all up to the last that is. What is not at
   * hand is computed, and kept in memory where there is room.
   *
   * @param covered  the ids of a trimmed draft: what is asked of the others is what they come to, once a row
   * @throws OutriderError INVALID_ARGUMENT where they are asked for of two targets
   */
  of(target: PretrainedModel<CausalLM>, batch: HostBatch, reading: Reading, covered?: CoveredIds): StatesOfBatch {
    this.#assertSame(target)
    const { model } = target
    const { rows, numbers } = targetRows(batch, reading)
    const states = model.device.scope(() => {
      const isHidden = hasHiddenStates(model)
      let joined: Tensor | undefined // u32 [positions, words], or f32 [positions, vocabulary]
      let at = 0
      for (const row of rows) {
        const found =
          this.#held.get(row.key) ?? (this.#memory.has(row.key) ? undefined : this.#fresh(model, row, batch.drawn))
        const words = (found?.shape ?? this.#memory.shapeOf(row.key)!)[1]!
        joined ??= model.device.empty([numbers.length, words], isHidden ? 'u32' : 'f32')
        if (found) model.device.copy(found, 0, joined, at, found.size)
        else this.#memory.copyTo(row.key, joined, at)
        at += row.places.length * words
      }
      if (!joined) throw new OutriderError('INVALID_ARGUMENT', 'No position of the batch is learnt.')
      return isHidden ? unpackHalves(joined, model.head().weight.shape[1]!) : joined
    })
    // What was drawn for one step is read once, so that nothing is saved.
    const head = covered && !batch.drawn && hasHiddenStates(model) && this.#coveredHeads.of(model.head(), covered)
    return {
      states,
      numbers,
      ...(head && { covered: { head, logNormalizers: this.#logNormalizers.of(model.head(), rows, states) } }),
    }
  }

  /** Writes what is to be kept in the directory and is not there yet. Done in pieces as it grows, and once at the end of a run. */
  async flush(): Promise<void> {
    const files = await this.#files
    if (!files) return
    await this.#logNormalizers.write(files, this.#target!.model.device)
    await files.flush()
  }

  /** Frees the memory. What is in the directory stays; what is not written there yet (`flush`) is forgotten. */
  dispose(): void {
    this.#letGo([...this.#held.keys()])
    this.#memory.dispose()
    this.#logNormalizers.dispose()
    this.#coveredHeads.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** @throws OutriderError INVALID_ARGUMENT for a row that no file has, of a target that cannot read it */
  async #elsewhere(model: CausalLM, row: TargetRow): Promise<Tensor | undefined> {
    const { hiddenStates } = this.#options
    if (!hasHiddenStates(model)) return undefined
    const found = await hiddenStates?.find(row.tokens, row.places, model.head().weight.shape[1]!)
    if (found) return statesFrom(model, row, found)
    if (!model.isHeadAlone) return undefined
    const { tokens } = row
    const begin = tokens.subarray(0, 8).join(' ')
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `No file has the hidden states of a row of ${tokens.length} tokens that begins ${begin}, and of the target only the head is here.`,
      { remedy: 'Have the engine give those of all rows, of the same tokens; or load the whole target.' },
    )
  }

  #fresh(model: CausalLM, row: TargetRow, drawn: true | undefined): Tensor {
    const states = statesOfRow(model, row)
    if (!drawn) this.#memory.add(row.key, states)
    return states
  }

  #openFiles(target: PretrainedModel<CausalLM>): Promise<StateFiles> | undefined {
    const { directory, directoryBytes = 2 ** 34, fileBytes = 2 ** 22, onTrouble = console.warn } = this.#options
    if (!directory) return undefined
    this.#files ??= identityOf(target).then((identity) =>
      StateFiles.open(directory, identity, { maxBytes: directoryBytes, fileBytes, onTrouble }),
    )
    return this.#files
  }

  async #write(files: StateFiles, model: CausalLM, rows: readonly TargetRow[]): Promise<void> {
    const read = await readAll(rows.map(({ key }) => this.#held.get(key)!))
    for (const [i, row] of rows.entries()) await files.add(row.key, stored(model, row, bytesOf(read[i]!)))
  }

  #assertSame(target: PretrainedModel<CausalLM>): void {
    this.#target ??= target
    if (this.#target !== target)
      throw new OutriderError('INVALID_ARGUMENT', 'TargetStates holds the states of another target.', {
        remedy: 'Make one for each target.',
      })
  }

  #letGo(keys: readonly string[]): void {
    for (const key of keys) {
      this.#held.get(key)?.dispose()
      this.#held.delete(key)
    }
  }
}

const rowsOf = (batch: HostBatch, reading: Reading) =>
  targetRows(batch, reading).rows.map((row) => ({ row, drawn: batch.drawn }))

const stored = (model: CausalLM, { places }: TargetRow, bytes: Uint8Array): StatesOfRow => ({
  bytes,
  positions: places.length,
  dtype: hasHiddenStates(model) ? 'F16' : 'F32',
})

/** Words from a file as the tensor that they were read from. */
function wordsOf(model: CausalLM, { places }: TargetRow, bytes: Uint8Array): Tensor {
  const { buffer } = bytes.slice() // at the beginning of memory of its own
  const words = hasHiddenStates(model) ? new Uint32Array(buffer) : new Float32Array(buffer)
  return model.device.tensor(words, { shape: [places.length, words.length / places.length] })
}

/** What decides the bits of states: the target's weights and what computes them. */
async function identityOf(target: PretrainedModel<CausalLM>): Promise<StatesIdentity> {
  const { model } = target
  if (!model.parameters)
    throw new OutriderError('INVALID_ARGUMENT', 'A target that shows no weights cannot be known again by its states.', {
      remedy: 'Keep them in memory alone: leave out the directory.',
    })
  const kept = hasHiddenStates(model) ? 'hidden states, f16' : 'logits, f32'
  return { target: await modelIdentity(target), adapter: model.device.adapterName, kept }
}
