/** Who and what there is in the small world. What goes with what is fixed, so that there is something to learn. */

export interface Person {
  name: string
  she: 'she' | 'he'
  her: 'her' | 'his'
  home: string
  pet: string
  colour: string
  pastime: string
  friend: string
  /** Moods, the likeliest first. */
  moods: readonly string[]
}

const person = (
  name: string,
  pronoun: 'she' | 'he',
  [home, pet, colour, pastime, friend]: [string, string, string, string, string],
  moods: readonly string[],
): Person => ({
  name,
  she: pronoun,
  her: pronoun === 'she' ? 'her' : 'his',
  home,
  pet,
  colour,
  pastime,
  friend,
  moods,
})

export const people: readonly Person[] = [
  person('Mira', 'she', ['mill', 'cat', 'blue', 'paint', 'Tomo'], ['happy', 'proud', 'tired', 'calm']),
  person('Tomo', 'he', ['harbour', 'dog', 'red', 'fish', 'Mira'], ['tired', 'happy', 'hungry', 'calm']),
  person('Lena', 'she', ['library', 'owl', 'green', 'read', 'Ravi'], ['calm', 'curious', 'happy', 'sad']),
  person('Oskar', 'he', ['bakery', 'hen', 'white', 'bake', 'Ida'], ['hungry', 'happy', 'proud', 'tired']),
  person('Nila', 'she', ['hill', 'goat', 'yellow', 'climb', 'Bruno'], ['proud', 'curious', 'happy', 'hungry']),
  person('Bruno', 'he', ['market', 'fox', 'brown', 'trade', 'Nila'], ['curious', 'proud', 'sad', 'happy']),
  person('Ida', 'she', ['garden', 'duck', 'white', 'sing', 'Oskar'], ['happy', 'calm', 'proud', 'curious']),
  person('Ravi', 'he', ['school', 'mouse', 'grey', 'draw', 'Lena'], ['curious', 'sad', 'calm', 'happy']),
]

/** Places with the words that lead there, the things likely found there, and the animals met there. */
export interface Place {
  name: string
  at: string
  things: readonly string[]
  animals: readonly string[]
}

const place = (name: string, at: string, things: string, animals: string): Place => ({
  name,
  at,
  things: things.split(' '),
  animals: animals.split(' '),
})

export const places: readonly Place[] = [
  place('mill', 'at the mill', 'basket rope lamp cup', 'mouse cat hen duck'),
  place('harbour', 'by the harbour', 'boat rope map bell', 'dog cat duck owl'),
  place('library', 'in the library', 'book map lamp key', 'mouse cat owl fox'),
  place('bakery', 'at the bakery', 'basket cup bell key', 'hen mouse dog cat'),
  place('hill', 'on the hill', 'kite drum ball bell', 'goat fox owl dog'),
  place('market', 'at the market', 'drum cup coat basket', 'dog hen goat fox'),
  place('garden', 'in the garden', 'ball lamp kite coat', 'duck cat hen goat'),
  place('school', 'at the school', 'book ball drum map', 'mouse dog owl cat'),
  place('forest', 'in the forest', 'key rope coat kite', 'fox owl goat mouse'),
  place('river', 'by the river', 'boat cup key ball', 'duck fox dog goat'),
]

/** Things, with what one does with them. */
export const things: Readonly<Record<string, readonly string[]>> = {
  ball: ['threw', 'cleaned'],
  basket: ['filled', 'carried'],
  bell: ['rang', 'cleaned'],
  boat: ['painted', 'mended'],
  book: ['read', 'opened'],
  coat: ['mended', 'wore'],
  cup: ['filled', 'painted'],
  drum: ['played', 'carried'],
  key: ['hid', 'cleaned'],
  kite: ['flew', 'mended'],
  lamp: ['lit', 'carried'],
  map: ['opened', 'read'],
  rope: ['carried', 'threw'],
}

/** Animals, with what they do. */
export const animals: Readonly<Record<string, readonly string[]>> = {
  cat: ['slept', 'jumped', 'waited'],
  dog: ['ran', 'barked', 'waited'],
  duck: ['swam', 'sang', 'slept'],
  fox: ['ran', 'jumped', 'looked'],
  goat: ['jumped', 'ran', 'sang'],
  hen: ['sang', 'slept', 'ran'],
  mouse: ['looked', 'slept', 'ran'],
  owl: ['looked', 'waited', 'sang'],
}

export const colours: readonly string[] = ['red', 'blue', 'green', 'yellow', 'white', 'black', 'grey', 'brown']

export const times: readonly string[] = ['In the morning', 'At noon', 'In the evening', 'After the rain', 'At night']
