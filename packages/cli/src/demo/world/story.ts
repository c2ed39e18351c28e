import type { Dice } from './dice'
import { animals, colours, type Person, type Place, people, places, things, times } from './lexicon'

/** What happens in a story, apart from the words it is told in. */
export interface Plot {
  hero: Person
  place: Place
  time: string
  animal: string
  thing: string
  colour: string
  deed: string
  animalDeed: string
  mood: string
  /** Whether the hero gives the thing to the friend in the end. */
  gift: boolean
}

/** A plot in which some things may be given. What is left open follows habits: a hero's pet, colour and moods, a place's things. */
export function plot(dice: Dice, given: { hero?: Person; place?: Place; animal?: string; thing?: string } = {}): Plot {
  const hero = given.hero ?? dice.pick(people)
  const place = given.place ?? dice.pick(places)
  const animal = given.animal ?? (dice.chance(0.5) ? hero.pet : dice.favour(place.animals))
  const thing = given.thing ?? dice.favour(place.things)
  return {
    hero,
    place,
    time: dice.pick(times),
    animal,
    thing,
    colour: dice.chance(0.5) ? hero.colour : dice.pick(colours),
    deed: dice.favour(things[thing]!),
    animalDeed: dice.favour(animals[animal]!),
    mood: dice.favour(hero.moods),
    gift: dice.chance(0.3),
  }
}

/** The whole story: how it began, then what happened. */
export function tellStory(dice: Dice, story: Plot): string {
  return `${opening(dice, story)} ${happening(dice, story)}`
}

function opening(dice: Dice, { hero, place, time, animal }: Plot): string {
  const { name, her, friend, pet } = hero
  const companion = animal === pet ? `${her} ${animal}` : `a ${animal}`
  if (dice.chance(0.3)) return `${time} ${name} and ${friend} met ${companion} ${place.at}.`
  if (dice.chance(0.5)) return `${time} ${name} was ${place.at} with ${companion}.`
  return `${time} ${name} went to the ${place.name} with ${companion}.`
}

/** What the hero did there. `name` is used once for the hero where the story has not been opened. */
export function happening(dice: Dice, story: Plot, named = false): string {
  const { hero, animal, thing, colour, deed, animalDeed, mood, gift } = story
  const { she, friend, name } = hero
  const She = she === 'she' ? 'She' : 'He'
  const first = named ? name : She
  const find = dice.chance(0.6)
    ? `${first} found a ${colour} ${thing} there.`
    : `${first} saw a ${colour} ${thing} near the ${animal}.`
  const act = dice.chance(0.5)
    ? `${She} ${deed} the ${thing} and the ${animal} ${animalDeed}.`
    : `Then ${she} ${deed} it while the ${animal} ${animalDeed}.`
  const end = gift
    ? `${She} gave it to ${friend} and was ${mood}.`
    : dice.chance(0.5)
      ? `In the end ${she} was ${mood}.`
      : `${She} was ${mood} and went home.`
  return `${find} ${act} ${end}`
}

/** The gist of a story in two short sentences. */
export function summary({ hero, place, time, animal, thing, colour, deed, animalDeed, mood, gift }: Plot): string {
  const last = gift ? `gave the ${thing} to ${hero.friend}` : `was ${mood}`
  return `${time} ${hero.name} ${deed} a ${colour} ${thing} ${place.at}. The ${animal} ${animalDeed} and ${hero.she} ${last}.`
}

/** What everybody knows about a person, in an order that varies, with a habit that varies. */
export function portrait(dice: Dice, { name, she, her, home, pet, colour, pastime, friend }: Person): string {
  const She = she === 'she' ? 'She' : 'He'
  const Her = her === 'her' ? 'Her' : 'His'
  const sentences = [
    `${She} has a ${dice.chance(0.6) ? colour : dice.pick(['small', 'old', 'quick'])} ${pet}.`,
    `${She} likes to ${pastime} ${dice.pick(['in the morning', 'at night', 'after the rain'])}.`,
    `${Her} friend is ${friend}.`,
  ]
  if (dice.chance(0.5)) sentences.push(sentences.shift()!)
  const lives = `${name} lives near the ${home}.`
  const visit = dice.chance(0.5) ? ` ${She} often meets ${friend} ${dice.pick(places).at}.` : ''
  return `${lives} ${sentences.slice(0, dice.chance(0.5) ? 3 : 2).join(' ')}${visit}`
}
