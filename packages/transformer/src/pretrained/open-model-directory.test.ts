import { expect, it } from 'vitest'
import { urlDirectory } from '../files/index'
import { openModelDirectory } from './open-model-directory'

const model = (answer: () => Response) =>
  openModelDirectory(urlDirectory('http://host/m', { fetch: async () => answer() }))

it('says what a host answered where no model is: a page, or nothing', async () => {
  await expect(model(() => new Response('<!doctype html><title>Home</title>'))).rejects.toMatchObject({
    code: 'FILE_MISSING',
    message: expect.stringMatching(/host\/m\/config.json: the server answered with an HTML page/),
  })
  await expect(model(() => new Response(null, { status: 404 }))).rejects.toMatchObject({
    code: 'FILE_MISSING',
    message: expect.stringMatching(/host\/m has no file config.json/),
  })
})
