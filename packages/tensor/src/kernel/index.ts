export { assertElements, elements, pieceType, type VectorSize, withoutHalves } from './elements'
export {
  defineKernel,
  generatedKernel,
  type Kernel,
  type KernelDefinition,
  type KernelSpecialization,
  linearWorkgroups,
  type ParameterValue,
} from './kernel'
export { formOf, type KernelPart, type PartForm } from './part'
