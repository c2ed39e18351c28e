import type { ModelFamily } from '../../config/families/index'
import type { ModelConfig } from '../../config/index'
import { type GgufFile, readGgufFloats } from '../../files/gguf/read'
import { llamaParameterShapes } from '../../model/index'
import { joinedNames, separateWeights } from '../joined-weights'
import type { Weights } from '../weights'
import { separatePairs } from './interleave'
import { ggufName, isRotated } from './tensor-names'

/** The weights of a GGUF file under the names of the model's parameters. Blocks become f32 as they are read. */
export function ggufWeights(file: GgufFile, config: ModelConfig, family: ModelFamily): Weights {
  const expected = llamaParameterShapes(config)
  // Parameters, and the joined matrices that some of them may be in, by llama.cpp's name.
  const names = new Map(
    [...expected.keys(), ...joinedNames(family.joined ?? {}, expected).keys()].map((name) => [ggufName(name), name]),
  )
  const stored: Weights = {
    where: file.where,
    tensors: new Map(
      [...file.tensors.values()].map(({ name, shape, dtype, start, end }) => [
        names.get(name) ?? name,
        { shape, dtype, bytes: end - start },
      ]),
    ),
    keep: async () => file.directory.keep?.(file.file),
    async read(name) {
      const entry = file.tensors.get(ggufName(name))!
      const values = await readGgufFloats(file, entry)
      return family.gguf.interleaved && isRotated(name)
        ? separatePairs(values, { rows: entry.shape[0]!, headDim: config.headDim })
        : values
    },
  }
  return family.joined ? separateWeights(stored, family.joined, expected) : stored
}
