import type { GpuStep } from '../step'
import { attentionStep } from './attention'
import { copyStep } from './copy'
import { decodeStep } from './decode'
import { linearStep } from './linear'
import { matmulStep } from './matmul'
import { costsStep, speculationStep } from './speculation'
import { trainingStep } from './training'
import { tuningStep } from './tuning'

/** In order of worth: what comes last is what a short loan of a GPU leaves out. */
export const gpuSteps: readonly GpuStep[] = [
  copyStep,
  decodeStep('f16'),
  matmulStep,
  linearStep,
  speculationStep,
  decodeStep('q4_0'),
  trainingStep,
  costsStep,
  attentionStep,
  tuningStep,
  decodeStep('q8_0'),
]
