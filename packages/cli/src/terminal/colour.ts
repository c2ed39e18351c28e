/** Text styles for a terminal. Where colours are off, each returns its text unchanged. */
export interface Colours {
  bold(text: string): string
  dim(text: string): string
  underline(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  magenta(text: string): string
  cyan(text: string): string
}

export function colours(enabled: boolean): Colours {
  const style = (on: number, off: number) => (text: string) => (enabled ? `\x1b[${on}m${text}\x1b[${off}m` : text)
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    underline: style(4, 24),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    magenta: style(35, 39),
    cyan: style(36, 39),
  }
}

/** Colours are for terminals, unless NO_COLOR (https://no-color.org) forbids or FORCE_COLOR asks for them. */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return Boolean(stream.isTTY) && env.TERM !== 'dumb'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every style
const styles = /\x1b\[[0-9;]*m/g

/** Columns that a line takes in a terminal. */
export const width = (text: string): number => [...text.replace(styles, '')].length
