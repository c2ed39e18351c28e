import { type Tokenizer, tokenName } from '@outrider/transformer'

/** Ids of tokens by how completions name them: `token_id:5`, the text, or `bytes:\xf0\x9f` for what is no whole character. */
export interface TokenNames {
  /** Undefined for a name that is of no token, or of several. */
  idOf(name: string): number | undefined
  /** Undefined for a mark, and for a token whose name others have, too. */
  nameOf(id: number): string | undefined
}

const tables = new WeakMap<Tokenizer, ReadonlyMap<string, number | undefined>>()

/** The names of a tokenizer's tokens, made once for each. */
export function tokenNames(tokenizer: Tokenizer): TokenNames {
  const table = tables.get(tokenizer) ?? tableOf(tokenizer)
  tables.set(tokenizer, table)
  const marks = new Set(tokenizer.specialTokens.values())
  return {
    idOf(name) {
      const said = /^token_id:(\d+)$/.exec(name)
      return said ? Number(said[1]) : table.get(name)
    },
    nameOf(id) {
      const name = tokenName(tokenizer.tokenBytes(id))
      return marks.has(id) || table.get(name) !== id ? undefined : name
    },
  }
}

function tableOf(tokenizer: Tokenizer): ReadonlyMap<string, number | undefined> {
  const table = new Map<string, number | undefined>()
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    if (tokenizer.idToToken(id) === undefined) continue
    const name = tokenName(tokenizer.tokenBytes(id))
    if (table.has(name) && isByte(tokenizer, id)) continue
    const other = table.get(name)
    table.set(name, table.has(name) && !(other !== undefined && isByte(tokenizer, other)) ? undefined : id)
  }
  return table
}

/** A byte that text is made of where no piece has it: of one that has a piece, too, nothing is heard. */
const isByte = (tokenizer: Tokenizer, id: number): boolean => /^<0x[0-9A-F]{2}>$/.test(tokenizer.idToToken(id) ?? '')
