import {
  type BatchOptions,
  type BatchStream,
  batchStream,
  type DataSource,
  type Mixture,
  type Speaker,
} from '@outrider/dataset'

/** How sources become batches; of no use to batches made elsewhere. */
export type BatchSettings = BatchOptions

/** Data as a stream of batches: sources are tokenised as the speaker writes; a stream is taken as it is. */
export function streamOf(
  data: DataSource | Mixture | BatchStream,
  speaker: Speaker,
  { batchSize, length, seed }: BatchSettings,
): Promise<BatchStream> {
  if ('next' in data) return Promise.resolve(data)
  return batchStream(data, speaker, { batchSize, length, seed })
}
