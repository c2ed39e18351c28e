import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OutriderError } from '@outrider/tensor'
import { directory } from '@outrider/transformer'
import type { ReportData } from './data'
import { renderReport } from './render'

/**
 * Checks, before the work that it tells of, that a report can be written.
 *
 * @throws OutriderError INVALID_ARGUMENT for a folder, or a file in a folder that is not there
 */
export async function checkReportFile(file: string): Promise<void> {
  const isFolder = (path: string) =>
    stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    )
  if (await isFolder(file))
    throw new OutriderError('INVALID_ARGUMENT', `${file} is a folder.`, { remedy: 'Name a file in it: report.html.' })
  if (!(await isFolder(dirname(resolve(file)))))
    throw new OutriderError('INVALID_ARGUMENT', `There is no folder ${dirname(file)} for the report.`, {
      remedy: 'Make it first.',
    })
}

/**
 * Writes the report as one HTML file.
 *
 * @returns its address
 * @throws OutriderError FILE_WRITE
 */
export async function writeReport(file: string, data: ReportData): Promise<string> {
  const path = resolve(file)
  await directory(dirname(path)).write(basename(path), renderReport(data))
  return pathToFileURL(path).href
}
