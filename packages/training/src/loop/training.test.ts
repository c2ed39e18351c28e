import { kld } from '@outrider/losses'
import type { Batch, BatchStream } from '@outrider/dataset'
import { uniform01 } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { createDraft, initializeLlama, Llama, memoryDirectory, type ModelConfig, type PretrainedModel, pretrainedModel, bytesTokenizer } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { distill } from './distill'
import { pretrain } from './pretrain'

