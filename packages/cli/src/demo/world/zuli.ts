import type { Dice } from './dice'
import { colours, type Person, type Place, people, places, things } from './lexicon'

/**
 * Zuli, the toy language of the small world. Its rules: every word has its own Zuli word, names stay; articles and
 * prepositions fall away; the colour follows the thing; the place comes before the thing, and the verb last:
 * "Mira painted the red boat by the harbour." → "Mira soru lami neka dovi."
 */
const zuliWords: Readonly<Record<string, string>> = {
  // things
  ball: 'pomo', basket: 'tiku', bell: 'dindo', boat: 'lami', book: 'sefa', coat: 'vuro', cup: 'kelo',
  drum: 'bumba', key: 'zimi', kite: 'falu', lamp: 'luno', map: 'rako', rope: 'yelu',
  // colours
  red: 'neka', blue: 'oshi', green: 'verda', yellow: 'siru', white: 'balo', black: 'nomo', grey: 'ruta', brown: 'teno',
  // places
  mill: 'mola', harbour: 'soru', library: 'safari', bakery: 'pani', hill: 'kopa', market: 'tarugo', garden: 'zela',
  school: 'lerno', forest: 'arbo', river: 'rivo',
  // deeds
  found: 'trovi', saw: 'vidi', carried: 'porti', painted: 'dovi', cleaned: 'lavi', lost: 'perdi',
} // biome-ignore format: a dictionary reads best in rows

const verbs = ['found', 'saw', 'carried', 'painted', 'cleaned', 'lost']

/** A passage of plain sentences, each about somebody else, and the same in Zuli. */
export function translation(dice: Dice): { english: string; zuli: string } {
  const clauses = dice.some(people, 3).map((who) => ({
    who,
    verb: dice.pick(verbs),
    colour: dice.pick(colours),
    thing: dice.pick(Object.keys(things)),
    where: dice.pick(places),
  }))
  return { english: clauses.map(englishClause).join(' '), zuli: clauses.map(zuliClause).join(' ') }
}

interface Clause {
  who: Person
  verb: string
  colour: string
  thing: string
  where: Place
}

const englishClause = ({ who, verb, colour, thing, where }: Clause): string =>
  `${who.name} ${verb} the ${colour} ${thing} ${where.at}.`

const zuliClause = ({ who, verb, colour, thing, where }: Clause): string =>
  `${who.name} ${[where.name, thing, colour, verb].map((word) => zuliWords[word]!).join(' ')}.`
