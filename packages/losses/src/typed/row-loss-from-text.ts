import type { Device } from '@outrider/tensor'
import { rowLossCode } from '../row-loss/code'
import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'
import type { TypedField } from './fields'
import { parseRowLoss, type TypedRowLoss } from './parse-row-loss'
import { type TypedLossProblem, typedLossError } from './place'

/**
 * A row loss that a person typed, read (`parseRowLoss`) and compiled on the device, so that what is wrong with it is known
 * before it is used, and where. Nothing is run.
 *
 * @throws OutriderError INVALID_ARGUMENT for what cannot be read, KERNEL for what does not compile; `details` has {field,
 *   line, column} of the first problem in the text, and `problems`, all of them
 */
export async function rowLossFromText(text: string, device: Device): Promise<RowLoss> {
  const typed = parseRowLoss(text)
  const loss = defineRowLoss(typed.definition)
  const code = `alias V = f32;\n${rowLossCode(loss.terms).forms[1].text}`
  // A module of its own: a broken pipeline would take with it what else is queued on the device.
  device.gpu.pushErrorScope('validation')
  const module = device.gpu.createShaderModule({ label: `typed(${loss.name})`, code })
  const [failure, { messages }] = await Promise.all([device.gpu.popErrorScope(), module.getCompilationInfo()])
  const errors = messages.filter(({ type }) => type === 'error')
  if (errors.length === 0 && !failure) return loss
  const lines = code.split('\n')
  const problems = errors.map((error) => problemOf(error, lines[error.lineNum - 1] ?? '', typed))
  throw typedLossError('KERNEL', problems.length > 0 ? problems : [atValue(typed, failure!.message)], failure)
}

/** A message of the compiler, put where it belongs in the text. */
function problemOf(
  { message, linePos, length }: GPUCompilationMessage,
  line: string,
  typed: TypedRowLoss,
): TypedLossProblem {
  // code.ts says after each line of an expression whose it is.
  const [, before = '', field = '', number = '1'] =
    /^(return (?:p \* )?\()?.* \/\/ [^:]+: ([\w.]+)(?:, line (\d+))?$/.exec(line) ?? []
  const place = typed.places.get(field)
  const own = place?.lines[Number(number) - 1]
  if (!own) return elsewhere(message, typed)
  const first = own.text.search(/\S/)
  // The first line of an expression begins where the compiler's line does, after what stands before it.
  const shift = number === '1' ? first - before.length : 0
  const column = Math.min(Math.max(linePos + shift, first + 1), own.text.length + 1)
  return { field, line: own.line, column, length: Math.min(length, own.text.length + 1 - column), message }
}

/** A message about no expression is about a name that WGSL does not allow. */
function elsewhere(message: string, typed: TypedRowLoss): TypedLossProblem {
  for (const [field, { name, line, nameColumn }] of typed.places)
    if (name && message.includes(`'${name}'`)) return { field, line, column: nameColumn, length: name.length, message }
  return atValue(typed, message)
}

function atValue(typed: TypedRowLoss, message: string): TypedLossProblem {
  const { line, column } = typed.places.get('value') as TypedField
  return { field: 'value', line, column, length: 'value'.length, message }
}
