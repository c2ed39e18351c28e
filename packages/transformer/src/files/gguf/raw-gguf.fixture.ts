/** Types of metadata values, as the format numbers them; `X[]` is an array of them. */
const types = { u8: 0, i8: 1, u16: 2, i16: 3, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, u64: 10, i64: 11, f64: 12 }

type Type = keyof typeof types
type Scalar = number | boolean | string | Uint8Array

/** A metadata value with its type; a text may be bytes. */
export type RawValue = [type: Type, value: Scalar] | [type: `${Type}[]`, value: readonly Scalar[]]

export interface RawTensor {
  name: string
  /** Row-major. */
  shape: readonly number[]
  /** The number of its element type. */
  type?: number
  bytes: Uint8Array
}

/** A GGUF file of any values, as they are: what the writer of this project would never write, too. */
export function rawGguf({
  version = 3,
  bigEndian = false,
  values = {},
  tensors = [],
}: {
  version?: number
  bigEndian?: boolean
  values?: Readonly<Record<string, RawValue>>
  tensors?: readonly RawTensor[]
}): Uint8Array {
  const parts: Uint8Array[] = [utf8.encode('GGUF')]
  const scalar = (type: Type, value: Scalar) => parts.push(...scalarBytes(type, value, !bigEndian))
  scalar('u32', version)
  scalar('u64', tensors.length)
  scalar('u64', Object.keys(values).length)
  for (const [key, [type, value]] of Object.entries(values)) {
    scalar('string', key)
    if (!Array.isArray(value)) {
      scalar('u32', types[type as Type])
      scalar(type as Type, value as Scalar)
      continue
    }
    const element = type.slice(0, -2) as Type
    scalar('u32', 9)
    scalar('u32', types[element])
    scalar('u64', value.length)
    for (const item of value as readonly Scalar[]) scalar(element, item)
  }
  let offset = 0
  for (const { name, shape, type = 0, bytes } of tensors) {
    scalar('string', name)
    scalar('u32', shape.length)
    for (const size of [...shape].reverse()) scalar('u64', size)
    scalar('u32', type)
    scalar('u64', offset)
    offset += padded(bytes.length)
  }
  parts.push(new Uint8Array(padded(length(parts)) - length(parts)))
  for (const { bytes } of tensors) parts.push(bytes, new Uint8Array(padded(bytes.length) - bytes.length))
  const file = new Uint8Array(length(parts))
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    at += part.length
  }
  return file
}

const utf8 = new TextEncoder()
const padded = (bytes: number) => Math.ceil(bytes / 32) * 32
const length = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0)

function scalarBytes(type: Type, value: Scalar, little: boolean): Uint8Array[] {
  if (type === 'string') {
    const bytes = value instanceof Uint8Array ? value : utf8.encode(String(value))
    return [...scalarBytes('u64', bytes.length, little), bytes]
  }
  const view = new DataView(new ArrayBuffer(8))
  const number = Number(value)
  const bytes = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 }[type]
  if (type === 'f32') view.setFloat32(0, number, little)
  else if (type === 'f64') view.setFloat64(0, number, little)
  else if (bytes === 1) view.setUint8(0, number)
  else if (bytes === 2) view.setUint16(0, number, little)
  else if (bytes === 4) view.setUint32(0, number, little)
  else view.setBigInt64(0, BigInt(number), little)
  return [new Uint8Array(view.buffer, 0, bytes)]
}
