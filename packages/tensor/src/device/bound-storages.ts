import { OutriderError } from '../errors'
import type { Kernel } from '../kernel/index'
import type { Tensor } from '../tensor'
import type { Storage } from './buffer-pool'
import type { Device } from './device'
import { isTensor } from './scope'

/**
 * The memory that a kernel's bindings take from tensors, in the order of the bindings.
 *
 * @throws OutriderError for a tensor that is missing, of another device, disposed, of a type that the kernel would misread,
 *   too large, or written while it is bound twice
 */
export function boundStorages(
  device: Device,
  kernel: Kernel,
  bindings: Readonly<Record<string, Tensor>>,
): readonly Storage[] {
  const tensors = kernel.bindings.map(({ name, access, isFloat }) => {
    const tensor = bindings[name]
    if (!isTensor(tensor)) throw new OutriderError('KERNEL', `Kernel ${kernel.name}: no tensor is given for "${name}".`)
    if (tensor.device !== device)
      throw new OutriderError('INVALID_ARGUMENT', `Kernel ${kernel.name}: "${name}" lives on another device.`)
    tensor.assertUsable(kernel.name)
    if (isFloat && tensor.dtype !== 'f32')
      throw new OutriderError(
        'DTYPE_MISMATCH',
        `Kernel ${kernel.name}: "${name}" [${tensor.shape.join(', ')}] is ${tensor.dtype}; f32 is needed.`,
        { remedy: "cast(x, 'f32') first; models are trained after loading them as f32." },
      )
    if (tensor.storage.bytes > device.capabilities.maxBindingBytes)
      throw new OutriderError(
        'DEVICE_LIMIT',
        `Kernel ${kernel.name}: "${name}" [${tensor.shape.join(', ')}] takes ${tensor.storage.bytes} bytes; one binding of this device holds ${device.capabilities.maxBindingBytes}.`,
      )
    return { access, storage: tensor.storage }
  })
  for (const [i, { access, storage }] of tensors.entries())
    if (access === 'read_write' && tensors.some((other, j) => j !== i && other.storage === storage))
      throw new OutriderError(
        'KERNEL',
        `Kernel ${kernel.name}: "${kernel.bindings[i]!.name}" is written and shares its memory with another binding.`,
      )
  return tensors.map(({ storage }) => storage)
}
