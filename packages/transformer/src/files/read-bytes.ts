import { OutriderError } from '@outrider/tensor'
import type { Directory } from './directory'

/** Where a tensor is: bytes [start, end) of a file. */
export interface TensorPlace {
  name: string
  file: string
  start: number
  end: number
}

/**
 * The bytes of a tensor as they are stored, or a part of them.
 *
 * @throws OutriderError FILE_FORMAT where there are fewer than the header said
 */
export async function readBytes(
  directory: Directory,
  { name, file, start, end }: TensorPlace,
  part: { first: number; count: number } = { first: 0, count: end - start },
): Promise<Uint8Array> {
  const from = start + part.first
  const bytes = await directory.read(file, { start: from, end: from + part.count })
  if (bytes.length === part.count) return bytes
  throw new OutriderError(
    'FILE_FORMAT',
    `${directory.name}/${file}: tensor "${name}" ends at byte ${from + bytes.length}, short of ${end}.`,
    {
      remedy: 'The file has changed while it was read, or the server sent less than was asked for; try again.',
      details: { file, tensor: name, byte: from + bytes.length },
    },
  )
}
