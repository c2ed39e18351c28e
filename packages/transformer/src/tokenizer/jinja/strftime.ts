import { UnsupportedInTemplate } from './failure'

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = 'January February March April May June July August September October November December'.split(' ')

/** A moment by a format of C, with the flags that glibc has, in English and the time of this place. */
export function strftime(format: string, now: Date): string {
  return format.replace(/%([-_0^#]*)([\s\S]?)/g, (whole, flags: string, kind: string) => {
    if (kind === '' || kind === '%') return '%'
    const composed = compositions[kind]
    if (composed !== undefined) return strftime(composed, now)
    const word = wordOf(kind, now)
    if (word !== undefined) return flags.includes('^') ? word.toUpperCase() : word
    const number = numberOf(kind, now)
    if (!number) throw new UnsupportedInTemplate(`strftime_now with ${whole}`)
    const [value, width, fill] = number
    if (flags.includes('-')) return String(value)
    return String(value).padStart(width, flags.includes('_') ? ' ' : flags.includes('0') ? '0' : fill)
  })
}

const compositions: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  R: '%H:%M',
  r: '%I:%M:%S %p',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  x: '%m/%d/%y',
}

function wordOf(kind: string, now: Date): string | undefined {
  switch (kind) {
    case 'A':
      return days[now.getDay()]
    case 'a':
      return days[now.getDay()]!.slice(0, 3)
    case 'B':
      return months[now.getMonth()]
    case 'b':
    case 'h':
      return months[now.getMonth()]!.slice(0, 3)
    case 'p':
      return now.getHours() < 12 ? 'AM' : 'PM'
    case 'P':
      return now.getHours() < 12 ? 'am' : 'pm'
    case 'n':
      return '\n'
    case 't':
      return '\t'
    // Python's moment knows no zone.
    case 'Z':
    case 'z':
      return ''
  }
  return undefined
}

/** A number, how wide it is, and what fills it. */
function numberOf(kind: string, now: Date): readonly [number, number, string] | undefined {
  const hour = now.getHours() % 12 || 12
  const day = dayOfYear(now)
  const weekday = now.getDay()
  switch (kind) {
    case 'd':
      return [now.getDate(), 2, '0']
    case 'e':
      return [now.getDate(), 2, ' ']
    case 'f':
      return [now.getMilliseconds() * 1000, 6, '0']
    case 'G':
      return [isoWeek(now).year, 4, '0']
    case 'H':
      return [now.getHours(), 2, '0']
    case 'I':
      return [hour, 2, '0']
    case 'j':
      return [day + 1, 3, '0']
    case 'k':
      return [now.getHours(), 2, ' ']
    case 'l':
      return [hour, 2, ' ']
    case 'M':
      return [now.getMinutes(), 2, '0']
    case 'm':
      return [now.getMonth() + 1, 2, '0']
    case 'S':
      return [now.getSeconds(), 2, '0']
    case 's':
      return [Math.floor(now.getTime() / 1000), 1, '0']
    case 'U':
      return [Math.floor((day + 7 - weekday) / 7), 2, '0']
    case 'u':
      return [weekday || 7, 1, '0']
    case 'V':
      return [isoWeek(now).week, 2, '0']
    case 'W':
      return [Math.floor((day + 7 - ((weekday + 6) % 7)) / 7), 2, '0']
    case 'w':
      return [weekday, 1, '0']
    case 'Y':
      return [now.getFullYear(), 1, '0']
    case 'y':
      return [now.getFullYear() % 100, 2, '0']
    case 'C':
      return [Math.floor(now.getFullYear() / 100), 2, '0']
  }
  return undefined
}

const dayMilliseconds = 86_400_000

/** From 0, of the calendar day, whatever happened to the clock since. */
const dayOfYear = (now: Date): number =>
  (Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) - Date.UTC(now.getFullYear(), 0, 1)) / dayMilliseconds

/** The week of ISO 8601: the one that has the same Thursday. */
function isoWeek(now: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate() + 4 - (now.getDay() || 7)))
  const year = thursday.getUTCFullYear()
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / dayMilliseconds / 7) + 1 }
}
