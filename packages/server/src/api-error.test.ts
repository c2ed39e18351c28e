import { OutriderError } from '@outrider/tensor'
import { expect, it } from 'vitest'
import { toApiError } from './api-error'

it.each(['TEMPLATE_LIMIT', 'TOKENIZER_LIMIT'] as const)('says in full what was stopped by %s', (code) => {
  const { status, message } = toApiError(new OutriderError(code, 'It takes more than 10 steps.'))
  expect({ status, message }).toEqual({ status: 400, message: 'It takes more than 10 steps.' })
})
