/** The table of what leaves a site in clear (protos/README.md) names every field that the message schemas let a site send. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import { expect, test } from 'vitest'

const protos = join(dirname(dirname(import.meta.dirname)), 'protos')
const definitions = loadSync('federation.proto', { includeDirs: [protos], keepCase: true })

type Message = {
  readonly name: string
  readonly field: readonly { readonly name: string; readonly typeName: string }[]
}

function messageOf(name: string): Message {
  return (definitions[`consilium.v1.${name}`] as MessageTypeDefinition<object, object>).type as Message
}

/** `Message.field` of everything that a site can send. */
function sentFields(): Set<string> {
  const sent = new Set<string>()
  const seen = new Set<string>()
  function visit({ name, field }: Message): void {
    if (seen.has(name)) return
    seen.add(name)
    for (const each of field) {
      sent.add(`${name}.${each.name}`)
      if (each.typeName) visit(messageOf(each.typeName.split('.').at(-1)!))
    }
  }
  for (const { requestType } of Object.values(definitions['consilium.v1.Federation'] as ServiceDefinition))
    visit(requestType.type as Message)
  return sent
}

/** What the first column of the table names; `.field` goes with the message named before it. */
function listedFields(): string[] {
  const readme = readFileSync(join(protos, 'README.md'), 'utf8')
  const section = readme.slice(readme.indexOf('## What leaves a site in clear')).split('\n## ')[0]!
  const cells = section.split('\n').flatMap((line) => (/^\| `/.test(line) ? [line.split(' | ')[0]!] : []))
  return cells.flatMap((cell) => {
    let message = ''
    return [...cell.matchAll(/`([A-Za-z]*)\.([a-z0-9_]+)`/g)].map(([, named, field]) => {
      message = named || message
      return `${message}.${field}`
    })
  })
}

test('every field that a site can send stands in the table, once, and no other', () => {
  expect(listedFields().sort()).toEqual([...sentFields()].sort())
})
