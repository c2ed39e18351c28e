import { OutriderError } from '@outrider/tensor'
import {
  contentHash,
  type Directory,
  readBytes,
  readSafetensors,
  readTensor,
  type SafetensorsEntry,
  storedToFloats,
} from '@outrider/transformer'

/** Hidden states of rows, as an engine elsewhere gave them, before the final norm. */
export interface HiddenStateFiles {
  readonly rows: number
  /** A hash of what is there. */
  readonly identity: string
  /**
   * What the last layer gave at places of a row that a file begins with; undefined where none does.
   *
   * @param width  of the target's hidden states
   * @returns f32 [places, width]
   * @throws OutriderError INVALID_ARGUMENT for states of another width; FILE_FORMAT
   */
  find(tokens: Uint32Array, places: Uint32Array, width: number): Promise<Float32Array | undefined>
}

/** A file of a row. */
interface Sample {
  file: string
  ids: SafetensorsEntry
  states: SafetensorsEntry
}

/** Files whose first tokens are these are compared with a row. */
const compared = 16

/**
 * Opens hidden states as speculators and vLLM (`extract_hidden_states`) write them: a safetensors file a row, with `token_ids` [tokens]
 * and `hidden_states` [tokens, layers, hidden], of which the last layer counts, or [tokens, hidden]; BF16, F16 or F32. They are taken to
 * be those before the final norm, as there.
 *
 * By speculators' code (train/data.py, 0332621) and vLLM's connector (0.32.0), whose extraction needs CUDA: not run.
 *
 * @throws OutriderError FILE_MISSING where there are none; FILE_FORMAT, which names the file, for what is none
 */
export async function openHiddenStates(directory: Directory): Promise<HiddenStateFiles> {
  const files = (await directory.list()).filter((file) => file.endsWith('.safetensors')).sort()
  if (files.length === 0)
    throw new OutriderError('FILE_MISSING', `${directory.name} has no hidden states.`, {
      remedy: 'Name the folder of the .safetensors files, one a row.',
    })
  const samples = new Map<string, Sample[]>()
  const short: Sample[] = []
  const said: unknown[] = []
  for (const file of files) {
    const sample = await sampleIn(directory, file)
    const tokens = await idsOf(directory, sample)
    said.push([file, sample.states.shape, sample.states.dtype, hashOf(tokens)])
    if (tokens.length < compared) short.push(sample)
    else samples.set(keyOf(tokens), [...(samples.get(keyOf(tokens)) ?? []), sample])
  }
  return {
    rows: files.length,
    identity: await contentHash(said),
    async find(tokens, places, width) {
      const near = tokens.length < compared ? [...samples.values()].flat() : (samples.get(keyOf(tokens)) ?? [])
      for (const sample of [...near, ...short]) {
        const theirs = await idsOf(directory, sample)
        if (theirs.length < tokens.length || tokens.some((token, i) => theirs[i] !== token)) continue
        return statesAt(directory, sample, places, width)
      }
      return undefined
    },
  }
}

const keyOf = (tokens: ArrayLike<number>): string => Array.from({ length: compared }, (_, i) => tokens[i]).join()

/** FNV-1a. */
const hashOf = (tokens: readonly number[]): number =>
  tokens.reduce((hash, token) => Math.imul(hash ^ token, 0x01000193) >>> 0, 0x811c9dc5)

async function sampleIn(directory: Directory, file: string): Promise<Sample> {
  const { tensors } = await readSafetensors(directory, file)
  const [states, ids] = [tensors.get('hidden_states'), tensors.get('token_ids') ?? tensors.get('input_ids')]
  const isWhole =
    states !== undefined &&
    ids?.shape.length === 1 &&
    (states.shape.length === 2 || (states.shape.length === 3 && states.shape[1]! > 0)) &&
    states.shape[0] === ids.shape[0] &&
    /^(BF16|F16|F32)$/.test(states.dtype) &&
    /^I(64|32)$/.test(ids.dtype)
  if (isWhole) return { file, ids, states }
  const found = [...tensors.values()].map(({ name, shape, dtype }) => `${name} [${shape.join(', ')}] ${dtype}`)
  throw notStates(directory, file, `it has ${found.join(', ') || 'nothing'}`)
}

async function idsOf(directory: Directory, { file, ids }: Sample): Promise<number[]> {
  const tokens = Array.from((await readTensor(directory, ids)) as ArrayLike<number | bigint>, Number)
  const wrong = tokens.find((id) => id < 0 || id >= 2 ** 31)
  if (wrong !== undefined) throw notStates(directory, file, `${wrong} is the id of no token`)
  return tokens
}

async function statesAt(
  directory: Directory,
  { file, states }: Sample,
  places: Uint32Array,
  width: number,
): Promise<Float32Array> {
  const { shape, dtype, start, end } = states
  if (shape.at(-1) !== width)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${directory.name}/${file} has hidden states of ${shape.at(-1)}, and those of the target are of ${width}.`,
      { remedy: 'Give the hidden states of this target, of its last layer.', details: { file } },
    )
  const rowBytes = (end - start) / shape[0]!
  const first = places[0]!
  const count = places.at(-1)! - first + 1
  const bytes = await readBytes(directory, states, { first: first * rowBytes, count: count * rowBytes })
  const values = storedToFloats(bytes, dtype)
  const columns = values.length / count
  const found = new Float32Array(places.length * width)
  for (const [i, place] of places.entries())
    found.set(values.subarray((place - first + 1) * columns - width, (place - first + 1) * columns), i * width)
  return found
}

const notStates = (directory: Directory, file: string, why: string) =>
  new OutriderError('FILE_FORMAT', `${directory.name}/${file} is no file of hidden states: ${why}.`, {
    remedy:
      'A file has token_ids [tokens] and hidden_states [tokens, layers, hidden] of one row, as speculators writes it.',
    details: { file },
  })
