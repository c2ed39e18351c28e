import { blocks } from '../../formats/blocks'
import type { FormatName } from '../../formats/index'
import { generatedKernel, type Kernel } from '../../kernel/index'
import source from './embedding-pieces.wgsl'

/** What embedding-rows.wgsl does, from a table in a format of weights. */
export const embeddingPieces = (format: FormatName): Kernel =>
  generatedKernel(`embedding-${format}`, () => ({ source, uses: [blocks('table', format)] }))
