import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Client } from '../client'

/** Requests without an answer that a connection may hold; one more ends it, for nothing else bounds what they take. */
const mostPipelined = 256

/**
 * The requests of a server that have not been answered in full, in their order on their connections. They end with the
 * connection: Node closes the response whose turn it is, and forgets those queued behind it, which would wait for ever.
 */
export class OpenRequests {
  readonly #connections = new Map<Socket, Map<ServerResponse, IncomingMessage>>()
  #onEmpty: (() => void) | undefined

  constructor(server: Server) {
    server.prependListener('connection', (socket: Socket) => {
      socket.once('close', () => this.#end(socket))
    })
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#add(request, response)
    })
  }

  /** Who sent a request. */
  client(request: IncomingMessage, response: ServerResponse): Client {
    return {
      get left() {
        return response.destroyed || (request.destroyed && !request.complete)
      },
      // Not by the signal of the request: Node keeps that for as long as a listener of it leads back to the request.
      onLeave: (listener) => response.once('close', listener),
      drop: () => response.destroy(),
      turn: this.#turn(request, response),
    }
  }

  /** Ends the requests that have not come whole. */
  dropIncomplete(): void {
    for (const requests of this.#connections.values())
      for (const request of requests.values()) if (!request.complete) request.destroy()
  }

  /** Resolves when every request has been answered, or its client has left. */
  async empty(): Promise<void> {
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve))
  }

  #turn(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const responses = [...(this.#connections.get(request.socket)?.keys() ?? [])]
    const before = responses[responses.indexOf(response) - 1]
    return before && new Promise((resolve) => before.once('close', resolve))
  }

  #add(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const requests = this.#connections.get(socket) ?? new Map<ServerResponse, IncomingMessage>()
    this.#connections.set(socket, requests)
    requests.set(response, request)
    response.once('close', () => {
      requests.delete(response)
      if (requests.size === 0) this.#connections.delete(socket)
      if (this.#connections.size === 0) this.#onEmpty?.()
    })
    if (requests.size > mostPipelined) socket.destroy()
  }

  #end(socket: Socket): void {
    for (const response of [...(this.#connections.get(socket)?.keys() ?? [])]) {
      if (response.socket) continue // Node closes it
      response.destroy()
      response.emit('close')
    }
  }
}
