import { OutriderError } from '@outrider/tensor'

/** Whether it says that the device has no memory for something: then nothing was made, and the rest goes on. */
export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof OutriderError && error.code === 'OUT_OF_MEMORY'
