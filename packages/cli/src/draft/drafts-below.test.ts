import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { draftsBelow } from './drafts-below'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'drafts-below-'))
  for (const folder of ['drafts/mine', 'drafts/linked', 'drafts-too', 'elsewhere'])
    await mkdir(join(home, folder), { recursive: true })
  await writeFile(join(home, 'drafts/mine/config.json'), '{}')
  await writeFile(join(home, 'elsewhere/config.json'), '{}')
  await symlink(join(home, 'elsewhere'), join(home, 'drafts/out'))
  await symlink(join(home, 'drafts/mine'), join(home, 'drafts/same'))
  await symlink(join(home, 'elsewhere/config.json'), join(home, 'drafts/linked/config.json'))
  await symlink(join(home, 'nowhere'), join(home, 'drafts/dangling'))
})
afterAll(() => rm(home, { recursive: true }))

describe('the folder of drafts', () => {
  it('gives what is in it, through links that stay in it', async () => {
    const drafts = await draftsBelow(join(home, 'drafts'))
    const mine = join(drafts.root, 'mine')
    for (const given of ['mine', './mine/', 'same', 'linked/../mine']) expect(await drafts.place(given)).toBe(mine)
  })

  it.each([
    ...['..', '.', '', '../elsewhere', 'mine/../../elsewhere', '../drafts-too', '/etc', 'mine\0', '../no-such-folder'],
    ...['out', 'out/config.json', 'linked'],
  ])('refuses %j, which leads out of it', async (given) => {
    const drafts = await draftsBelow(join(home, 'drafts'))
    await expect(drafts.place(given)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(drafts.place(given)).rejects.toThrow('leads out of the folder of drafts')
  })

  it('says what is not there, and nothing of what is elsewhere', async () => {
    const drafts = await draftsBelow(join(home, 'drafts'))
    for (const given of ['yours', 'dangling', 'mine/config.json/more'])
      await expect(drafts.place(given)).rejects.toMatchObject({ code: 'FILE_MISSING' })
    await expect(draftsBelow(join(home, 'no-such'))).rejects.toThrow('There is no folder')
    await expect(draftsBelow(join(home, 'elsewhere/config.json'))).rejects.toThrow('which is no folder')
  })
})
