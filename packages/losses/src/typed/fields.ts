import type { TypedExpression } from './expression'
import type { TypedLossProblem } from './place'

/** A line of a typed loss that begins a field, with the lines that go on with it. */
export interface TypedField extends TypedExpression {
  kind: 'name' | 'sum' | 'value' | 'weight' | 'weightedMass' | 'statistic' | 'pool'
  /** Of a sum, a statistic or a pooled sum. */
  name: string | undefined
  /** Where the field's head begins, and where its name does. */
  line: number
  column: number
  nameColumn: number
  /** Column at which the content begins, in the first line. */
  contentColumn: number
}

const heads = 'name, sum …, value, weight, weightedMass, statistic …, pool … over …'

/** The fields of a text in their order; comments, `//` to the end of a line, are blanked. */
export function fieldsOf(text: string): { fields: TypedField[]; problems: TypedLossProblem[] } {
  const fields: TypedField[] = []
  const problems: TypedLossProblem[] = []
  for (const [i, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = i + 1
    const content = raw.replace(/\/\/.*$/s, (comment) => ' '.repeat(comment.length))
    if (content.trim() === '') continue
    const began = fieldOf(content, line)
    if (began) {
      fields.push(began)
      continue
    }
    const column = content.search(/\S/) + 1
    const place = { field: content.trim().split(/\s/)[0]!, line, column, length: content.trim().length }
    const open = fields.at(-1)
    const head = /^\s*[A-Za-z]\w*(?:\s+\w+)?\s*=(?!=)/.exec(content)
    if (head) problems.push({ ...place, length: head[0].trim().length, message: `A loss has the fields ${heads}.` })
    else if (!open) problems.push({ ...place, message: `A line begins with a field and "=": ${heads}.` })
    else if (open.kind === 'pool' || open.kind === 'name')
      problems.push({ ...place, message: `"${open.kind}" takes one line; what is this?` })
    else {
      const before = open.lines.filter(({ text }) => text.trim() !== '')
      fields[fields.length - 1] = { ...open, lines: [...before, { text: content, line }] }
    }
  }
  return { fields, problems }
}

function fieldOf(content: string, line: number): TypedField | null {
  const head =
    /^(\s*)(?:(name|value|weightedMass|weight)\s*=(?!=)|(?:(sum|statistic)(\s+)(\w+)\s*=(?!=))|(pool)(\s+)(\w+)(?!\S))/
  const [whole, indent = '', plain, summed, gap, name, pool, poolGap, poolName] = head.exec(content) ?? []
  if (whole === undefined) return null
  const kind = (plain ?? summed ?? pool) as TypedField['kind']
  const column = indent.length + 1
  return {
    kind,
    name: name ?? poolName,
    line,
    column,
    nameColumn: column + kind.length + (gap ?? poolGap ?? '').length,
    contentColumn: whole.length + 1,
    // The head is blanked, so that columns stay those of the text.
    lines: [{ text: ' '.repeat(whole.length) + content.slice(whole.length), line }],
  }
}
