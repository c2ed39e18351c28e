/**
 * Formats of strings (JSON Schema 2020-12, §7.3) as regular expressions: each matches nothing else than its format, and not all
 * of it (an address has no comments, an internationalised domain is written in ASCII).
 */
const year = '(?:19|20|21)\\d\\d'
const day = `${year}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))`
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:0\\d|1[0-4]):[0-5]\\d)'
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const host = `${label}(?:\\.${label}){0,3}`
const hexadecimal = '[0-9a-fA-F]'

export const formats: Readonly<Record<string, string>> = {
  date: `^${day}$`,
  time: `^${time}$`,
  'date-time': `^${day}T${time}$`,
  duration:
    '^P(?:\\d{1,4}W|\\d{1,4}D|\\d{1,4}M|\\d{1,4}Y|T\\d{1,4}[HMS]|\\d{1,4}DT\\d{1,4}[HMS]|T\\d{1,4}H\\d{1,4}M(?:\\d{1,4}S)?)$',
  uuid: `^${hexadecimal}{8}-${hexadecimal}{4}-${hexadecimal}{4}-${hexadecimal}{4}-${hexadecimal}{12}$`,
  ipv4: `^${octet}(?:\\.${octet}){3}$`,
  hostname: `^${host}$`,
  email: `^[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,31})?@${label}(?:\\.${label}){0,2}\\.[A-Za-z]{2,16}$`,
  uri: `^https?://${host}(?::[1-9]\\d{0,3})?(?:/[A-Za-z0-9._~-]*)*(?:\\?[A-Za-z0-9._~=&-]*)?(?:#[A-Za-z0-9._~-]*)?$`,
}
