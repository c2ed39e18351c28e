import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  directory,
  type LoadDtype,
  type ModelConfig,
  parameterShapes,
  writeShardedSafetensors,
} from '@outrider/transformer'
import { inChild } from '../in-child'
import type { Row, Suite } from '../suite'

/** 1.07 billion parameters, 2.1 GB in f16. */
const config: ModelConfig = {
  architecture: 'llama',
  vocabularySize: 64_000,
  hiddenSize: 2048,
  intermediateSize: 5632,
  layers: 16,
  heads: 16,
  kvHeads: 16,
  headDim: 128,
  contextLength: 2048,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: false,
  eosTokenIds: [2],
  initializerRange: 0.02,
}

const shardBytes = 512 * 2 ** 20

/** Peak memory while a sharded model of 2 GB is loaded: of the host, it must stay under one shard and 256 MB. */
export const loadMemory: Suite = {
  name: 'load-memory',
  summary: 'peak host and device bytes while a sharded model of 2 GB is loaded',
  async run({ note }) {
    const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-'))
    try {
      note('writing a model of 2 GB')
      const files = directory(folder)
      const block = new Uint16Array(2 ** 20).map((_, i) => 0x2c00 + ((i * 2_654_435_761) & 0x83ff))
      const tensors = [...parameterShapes(config)].map(([name, shape]) => ({
        name,
        dtype: 'F16' as const,
        shape,
        bytes: () =>
          repeated(
            block,
            shape.reduce((product, length) => product * length, 1),
          ),
      }))
      await writeShardedSafetensors(files, tensors, { maxShardBytes: shardBytes })
      const rows = []
      for (const dtype of [undefined, 'q4_0'] as const) {
        note(`loading it ${dtype ? `as ${dtype}` : 'as it is'}`)
        rows.push({ dtype: dtype ?? 'f16 as stored', ...(await load(folder, dtype)) })
      }
      return rows
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function load(folder: string, dtype: LoadDtype | undefined): Promise<Row> {
  const args = [folder, JSON.stringify(config), ...(dtype ? [dtype] : [])]
  const row = await inChild<Row>(new URL('load-memory-child.ts', import.meta.url), { args })
  return { ...row, bound_MiB: Math.round((shardBytes + 256e6) / 2 ** 20) }
}

function repeated(block: Uint16Array, size: number): Uint8Array {
  const all = new Uint16Array(size)
  for (let at = 0; at < size; at += block.length) all.set(block.subarray(0, Math.min(block.length, size - at)), at)
  return new Uint8Array(all.buffer)
}
