import type { Browser, Page } from 'playwright-core'

/** The headless Chromium of npm with WebGPU on SwiftShader (linux-x64); the caller closes it. */
export declare function launchChromium(): Promise<Browser>

/** Scripts by path, and folders below a path that ends in a slash, over loopback HTTP, cross-origin isolated. */
export declare function serve(
  scripts: Record<string, string>,
  folders: Record<string, string>,
): Promise<{ url: string; close(): Promise<void> }>

export interface BrowserRun {
  /** Given to the module's function, as JSON. */
  input?: unknown
  /** Folders served beside the program: URL path (`/model/`) → folder on disk. */
  folders?: Record<string, string>
  /** Receives what the page logs. */
  onLog?: (line: string) => void
  /** Errors on the console that the run may make: a file that need not be there gives one, whatever the program does. */
  expected?: RegExp
  /** Bytes that the page may store. */
  quotaBytes?: number
  /** Milliseconds that the module's function may take; 60 000 where left out. */
  timeout?: number
}

/**
 * Runs a module in a headless Chromium with WebGPU, from npm alone (linux-x64): bundles it from the packages' sources,
 * serves it over loopback HTTP as a cross-origin isolated page and calls its default export.
 *
 * @param module  path of a TypeScript module whose default export is `(input) => result`, both JSON
 * @returns what the function returned
 * @throws Error when it throws, when the page reports any error or `console.error`, or when the time is over
 */
export declare function runInBrowser<Result>(module: string, options?: BrowserRun): Promise<Result>

/** Makes the browser give a page's site so many bytes to store, as a full disk would. */
export declare function limitStorage(page: Page, quotaBytes: number): Promise<void>

/** Errors of the page and of its console, as they come; what the page logs otherwise, and errors that are expected, go to `onLog`. */
export declare function watchProblems(page: Page, options?: Pick<BrowserRun, 'expected' | 'onLog'>): string[]

/** What axe finds serious or critical on the page as it is. */
export declare function seriousFaults(page: Page): Promise<string[]>

export interface Site {
  page: Page
  /** Where the folder is served: `http://127.0.0.1:PORT/`. */
  url: string
  /** Errors of the page and of its console, as they come. */
  problems: string[]
  close(): Promise<unknown>
}

/** Serves the folder of a built static site over loopback, and opens an empty page of the headless browser beside it. */
export declare function openSite(folder: string): Promise<Site>
