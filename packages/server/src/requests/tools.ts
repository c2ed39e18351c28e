import type { CausalLM, ChatMessage, PretrainedModel } from '@outrider/transformer'
import {
  functionCallConstraint,
  type GrammarConstraint,
  type JsonSchema,
  jsonSchemaConstraint,
} from '@outrider/transformer'
import * as v from 'valibot'
import { ApiError, toApiError } from '../api-error'
import { type ToolForm, takesTools, toolFormOf } from '../tools/tool-form'

/** As many as OpenAI takes. */
const mostTools = 128

const functionName = v.pipe(
  v.string(),
  v.regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, underscores and hyphens'),
)
const named = v.object({ type: v.literal('function'), function: v.object({ name: functionName }) })
const schemaObject = v.record(v.string(), v.unknown())

export const toolFields = {
  response_format: v.nullish(
    v.variant('type', [
      v.strictObject({ type: v.literal('text') }),
      v.strictObject({ type: v.literal('json_object') }),
      v.object({
        type: v.literal('json_schema'),
        json_schema: v.object({ schema: v.union([schemaObject, v.boolean()]) }),
      }),
    ]),
  ),
  tools: v.nullish(
    v.pipe(
      v.array(
        v.looseObject({
          type: v.literal('function'),
          function: v.looseObject({ name: functionName, parameters: v.nullish(schemaObject) }),
        }),
      ),
      v.maxLength(mostTools, `has more than ${mostTools} tools`),
      v.checkItems(
        (tool, at, all) => at === all.findIndex((one) => one.function.name === tool.function.name),
        'has a name twice',
      ),
    ),
  ),
  tool_choice: v.nullish(v.union([v.picklist(['none', 'auto', 'required']), named])),
  parallel_tool_calls: v.nullish(v.boolean()),
}

type ToolFields = v.InferOutput<v.ObjectSchema<typeof toolFields, undefined>>
type Target = PretrainedModel<CausalLM>

export interface AskedForm {
  constraint?: GrammarConstraint
  tools?: readonly object[]
  toolForm?: ToolForm | undefined
}

/**
 * What a request wants of the answer's form: JSON, or calls of tools. With `tool_choice: "none"` the model is told of no tools; with
 * "auto" it may call them, or not, as it will; with "required", or a function's name, it can say nothing but a call.
 *
 * @throws ApiError 400 for schemas that cannot be followed, and for tools that the model knows nothing of
 */
export function askedForm(target: Target, fields: ToolFields): AskedForm {
  const { response_format: format, tools, tool_choice: choice } = fields
  const isJson = format != null && format.type !== 'text'
  const offered = tools?.length && choice !== 'none' ? tools : undefined
  if (!offered && choice != null && choice !== 'none' && choice !== 'auto')
    throw new ApiError(400, 'tool_choice asks for a tool, and there are no tools.', { param: 'tool_choice' })
  if (offered && isJson)
    throw new ApiError(
      400,
      'response_format and tools cannot be had in one answer. Set tool_choice to "none", or leave one out.',
      {
        param: 'response_format',
        code: 'unsupported_parameter',
      },
    )
  if (offered) return calls(target, offered, fields)
  if (!isJson) return {}
  const schema = format.type === 'json_object' ? { type: 'object' } : format.json_schema.schema
  return {
    constraint: constrained(target, 'response_format', schema, () =>
      jsonSchemaConstraint(target, schema as JsonSchema),
    ),
  }
}

function calls(target: Target, tools: NonNullable<ToolFields['tools']>, fields: ToolFields): AskedForm {
  const { tool_choice: choice, parallel_tool_calls: parallel } = fields
  if (!target.chatTemplate || !takesTools(target.chatTemplate))
    throw new ApiError(400, 'The chat template of this model knows no tools.', {
      param: 'tools',
      code: 'unsupported_parameter',
    })
  const toolForm = toolFormOf(target.chatTemplate)
  if (choice == null || choice === 'auto' || choice === 'none') return { tools, toolForm }
  if (!toolForm)
    throw new ApiError(
      400,
      'In which form this model calls tools is not known here, so it cannot be made to. Use tool_choice "auto".',
      {
        param: 'tool_choice',
        code: 'unsupported_parameter',
      },
    )
  const wanted =
    typeof choice === 'object' ? tools.filter((tool) => tool.function.name === choice.function.name) : tools
  if (wanted.length === 0)
    throw new ApiError(400, 'tool_choice names a function that is not among tools.', { param: 'tool_choice' })
  const functions = wanted.map((tool) => {
    const { name, parameters } = tool.function
    return { name, ...(parameters != null && { parameters: parameters as JsonSchema }) }
  })
  const several = choice === 'required' && parallel !== false
  const key = [functions, several, toolForm.family]
  const constraint = constrained(target, 'tools', key, () =>
    functionCallConstraint(target, toolForm, functions, { parallel: several }),
  )
  return { tools, toolForm, constraint }
}

/** Constraints of a model's last requests: clients ask for one form again and again. */
const known = new WeakMap<object, Map<string, GrammarConstraint>>()
const mostKnown = 16

function constrained(target: Target, param: string, what: unknown, make: () => GrammarConstraint): GrammarConstraint {
  const ofModel = known.get(target.tokenizer) ?? new Map<string, GrammarConstraint>()
  known.set(target.tokenizer, ofModel)
  const key = JSON.stringify([param, what, target.generationConfig.eosTokenIds])
  try {
    const constraint = ofModel.get(key) ?? make()
    ofModel.delete(key)
    ofModel.set(key, constraint)
    if (ofModel.size > mostKnown) ofModel.delete(ofModel.keys().next().value!)
    return constraint
  } catch (error) {
    const { status, message } = toApiError(error)
    throw new ApiError(status, message, { param, ...(status === 400 && { code: 'invalid_json_schema' }) })
  }
}

const textPart = v.object({ type: v.literal('text'), text: v.string() })

export const message = v.object({
  role: v.picklist(['system', 'developer', 'user', 'assistant', 'tool']),
  content: v.nullish(v.union([v.string(), v.array(textPart)])),
  name: v.nullish(v.string()),
  tool_calls: v.nullish(
    v.array(
      v.object({
        id: v.nullish(v.string()),
        type: v.nullish(v.literal('function')),
        function: v.object({ name: v.string(), arguments: v.string() }),
      }),
    ),
  ),
  tool_call_id: v.nullish(v.string()),
})

/**
 * A message as templates know it: texts, the system's role under its older name, calls with their arguments as values. Who calls
 * tools may say nothing beside.
 *
 * @throws ApiError 400 where another message says nothing
 */
export function toMessage(given: v.InferOutput<typeof message>, at: number): ChatMessage {
  const { role, content, name, tool_calls: calls, tool_call_id: id } = given
  if (content == null && !(role === 'assistant' && calls?.length))
    throw new ApiError(400, `messages.${at}.content is required.`, { param: `messages.${at}.content` })
  return {
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join(''),
    ...(name != null && { name }),
    ...(calls?.length && { tool_calls: calls.map(toCall) }),
    ...(id != null && { tool_call_id: id }),
  }
}

const toCall = ({ id, function: called }: NonNullable<v.InferOutput<typeof message>['tool_calls']>[number]) => ({
  ...(id != null && { id }),
  type: 'function',
  function: { name: called.name, arguments: argumentsOf(called.arguments) },
})

/** Arguments as templates write them: a value; what is no JSON is the text that it is. */
function argumentsOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
