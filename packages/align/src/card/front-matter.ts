/** What stands at the head of a model card: keys of the Hub's, each with a text or a list of texts. */
export type FrontMatter = Readonly<Record<string, string | readonly string[] | undefined>>

/** As YAML between two lines of dashes; what is undefined or empty is left out. */
export function frontMatter(entries: FrontMatter): string {
  const lines = Object.entries(entries).flatMap(([key, value]) => {
    if (value === undefined || value.length === 0) return []
    return typeof value === 'string'
      ? [`${key}: ${scalar(value)}`]
      : [`${key}:`, ...value.map((one) => `- ${scalar(one)}`)]
  })
  return ['---', ...lines, '---', ''].join('\n')
}

/** A text of JSON is one of YAML; what can be nothing but a text stands without quotes, as people write it. */
const scalar = (text: string): string =>
  /^[A-Za-z][\w./-]*$/.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text) ? text : JSON.stringify(text)
