import {
  type Batch,
  type BatchOptions,
  type BatchStream,
  batchStream,
  type DataSource,
  type Mixture,
  rowLength,
  type Speaker,
} from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'

/** How sources become batches; of no use to batches made elsewhere. */
export type BatchSettings = BatchOptions

/** What a run learns from, and what reads it. */
export interface Reading {
  data: DataSource | Mixture | BatchStream
  /** Whose tokenizer and template write the rows. */
  speaker: Speaker
  /** All that read the batches, by what they are: no row is longer than the context of any. */
  models: Readonly<Record<string, Pick<Speaker, 'config'>>>
}

/** Data as a stream of batches: sources are tokenised as the speaker writes; a stream is taken as it is. */
export async function streamOf(
  { data, speaker, models }: Reading,
  {
    batchSize,
    length,
    seed,
    onLeftOut,
    validation = [],
  }: BatchSettings & { validation?: readonly Batch[] | undefined },
): Promise<BatchStream> {
  const within = (batch: Batch) => {
    assertWithin(batch, models)
    return batch
  }
  validation.forEach(within)
  if (!('next' in data))
    return batchStream(data, speaker, { batchSize, length: rowLength(models, length), seed, onLeftOut })
  return {
    next: async () => within(await data.next()),
    state: () => data.state(),
    restore: (state) => data.restore(state),
  }
}

/** Padding may reach past a context; nothing that is learned may. */
function assertWithin({ lossMask, length }: Batch, models: Reading['models']): void {
  for (const [name, { config }] of Object.entries(models)) {
    if (length <= config.contextLength) continue
    const beyond = lossMask.findIndex((counts, i) => counts !== 0 && i % length >= config.contextLength)
    if (beyond < 0) continue
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `A batch learns position ${beyond % length}, beyond the context of the ${name}, which has ${config.contextLength}.`,
      { remedy: 'Make shorter rows.', details: { position: beyond % length, contextLength: config.contextLength } },
    )
  }
}
