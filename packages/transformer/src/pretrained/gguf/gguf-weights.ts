import type { ModelFamily } from '../../config/families/index'
import type { ModelConfig } from '../../config/index'
import type { GgufFile } from '../../files/gguf/read'
import { readBytes } from '../../files/index'
import { parameterShapes } from '../../model/index'
import { joinedNames, separateWeights } from '../joined-weights'
import { partOf, type Weights } from '../weights'
import { separatePairs } from './interleave'
import { isMoved, toDistances } from './norm-offset'
import { checkTensors } from './refused-tensors'
import { ggufName, isRotated } from './tensor-names'

/**
 * The weights of a GGUF file under the names of the model's parameters.
 *
 * @throws OutriderError UNSUPPORTED for tensors of what is not implemented, by name
 */
export function ggufWeights(file: GgufFile, config: ModelConfig, family: ModelFamily): Weights {
  const expected = parameterShapes(config)
  // Parameters, and the joined matrices that some of them may be in, by llama.cpp's name.
  const names = new Map(
    [...expected.keys(), ...joinedNames(family.joined ?? {}, expected).keys()].map((name) => [
      ggufName(name, config),
      name,
    ]),
  )
  checkTensors(file, (name) => names.has(name))
  const isTurned = (name: string) => family.gguf.interleaved && isRotated(name)
  const stored: Weights = {
    where: file.where,
    tensors: new Map(
      [...file.tensors.values()].map(({ name, shape, dtype, start, end }) => {
        const parameter = names.get(name) ?? name
        const rowStep = isTurned(parameter) ? config.headDim : 1
        return [parameter, { shape, dtype, bytes: end - start, rowStep }]
      }),
    ),
    async keep() {
      const files = [file.file, ...[...file.tensors.values()].map((entry) => entry.file)]
      for (const name of new Set(files)) await file.directory.keep?.(name)
    },
    async read(name, rows) {
      const entry = file.tensors.get(ggufName(name, config))!
      const bytes = await readBytes(file.directory, entry, partOf(entry, rows))
      const height = rows?.count ?? entry.shape[0]!
      if (isMoved(name, config)) return toDistances(bytes, entry.dtype, entry.name)
      return isTurned(name) ? separatePairs(bytes, { rows: height, headDim: config.headDim }) : bytes
    },
  }
  return family.joined ? separateWeights(stored, family.joined, expected) : stored
}
