import { OutriderError } from '@outrider/tensor'
import type { GgufFile } from './read'

/** A part's place among the parts of a model, from 0. */
interface Place {
  part: number
  parts: number
}

/**
 * The other parts of a model that llama.cpp's gguf-split divided (`m-00001-of-00003.gguf` and so on), each beside the first;
 * none where the file is whole.
 *
 * @param first  the opened file, which must be the first part: it has the metadata
 * @param open   reads the header of another file of the directory
 * @throws OutriderError INVALID_ARGUMENT for a part that is not the first; FILE_MISSING for a part that is not there, by name;
 *   FILE_FORMAT for parts that are not of one model
 */
export async function otherParts(first: GgufFile, open: (file: string) => Promise<GgufFile>): Promise<GgufFile[]> {
  const place = placeOf(first)
  if (!place) return []
  const nameOf = partNames(first, place)
  if (place.part !== 0)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${first.where} is part ${place.part + 1} of ${place.parts}; a model in parts is opened by its first.`,
      {
        remedy: `Give ${nameOf(0)}; the others are found beside it.`,
        details: { file: first.where, first: nameOf(0) },
      },
    )
  const others: GgufFile[] = []
  const seen = new Set(first.tensors.keys())
  for (let part = 1; part < place.parts; part++) {
    const other = await openBeside(first, nameOf(part), place.parts, open)
    const found = placeOf(other)
    if (found?.part !== part || found.parts !== place.parts)
      throw notOfOne(
        other,
        found
          ? `it is part ${found.part + 1} of ${found.parts}, not ${part + 1} of ${place.parts}`
          : `it says of no part that it is, and ${first.file} is part 1 of ${place.parts}`,
      )
    for (const name of other.tensors.keys()) {
      if (seen.has(name)) throw notOfOne(other, `tensor "${name}" is in an earlier part too`)
      seen.add(name)
    }
    others.push(other)
  }
  const count = first.metadata.get('split.tensors.count')
  if (count !== undefined && count !== seen.size)
    throw notOfOne(first, `split.tensors.count is ${JSON.stringify(count)}, and its parts have ${seen.size} tensors`)
  return others
}

function placeOf(file: GgufFile): Place | undefined {
  const parts = file.metadata.get('split.count') ?? 0
  if (parts === 0 || parts === 1) return undefined
  const part = file.metadata.get('split.no')
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
  if (isCount(parts) && isCount(part) && part < parts && parts <= maxParts) return { part, parts }
  throw notOfOne(file, `split.no is ${JSON.stringify(part)} and split.count ${JSON.stringify(parts)}`)
}

/** The format counts them in 16 bits. */
const maxParts = 65_535

/** The names of all parts, by the name of one. */
function partNames({ file, where }: GgufFile, { part, parts }: Place): (part: number) => string {
  const digits = (number: number) => String(number).padStart(5, '0')
  const ending = (number: number) => `-${digits(number + 1)}-of-${digits(parts)}.gguf`
  if (!file.endsWith(ending(part)))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${where} is part ${part + 1} of ${parts} of a model, and its name does not end in "${ending(part)}", by which the others would be found.`,
      { remedy: 'Give the parts the names back that they had.', details: { file: where } },
    )
  const prefix = file.slice(0, -ending(part).length)
  return (number) => prefix + ending(number)
}

async function openBeside(
  first: GgufFile,
  file: string,
  parts: number,
  open: (file: string) => Promise<GgufFile>,
): Promise<GgufFile> {
  try {
    return await open(file)
  } catch (error) {
    if (!(error instanceof OutriderError) || error.code !== 'FILE_MISSING') throw error
    throw new OutriderError(
      'FILE_MISSING',
      `${first.directory.name} has no file ${file}, and ${first.file} is one of ${parts} parts.`,
      {
        remedy: 'Download or copy all parts into one folder.',
        cause: error,
        details: error.details,
      },
    )
  }
}

const notOfOne = ({ where }: GgufFile, what: string) =>
  new OutriderError('FILE_FORMAT', `${where} is not a part of a model that can be read: ${what}.`, {
    remedy: 'The parts may be of different models, or one may be damaged; download them again.',
    details: { file: where },
  })
