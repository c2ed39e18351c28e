import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FilePlace } from '@outrider/dataset'
import { type ReportData, renderReport } from '@outrider/evaluation'

/**
 * Writes the report as one HTML file.
 *
 * @returns its address
 * @throws OutriderError FILE_WRITE
 */
export async function writeReport({ directory, file }: FilePlace, data: ReportData): Promise<string> {
  await directory.write(file, renderReport(data))
  return pathToFileURL(resolve(directory.name, file)).href
}
