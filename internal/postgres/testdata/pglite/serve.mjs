// Serves a PGlite, which is one session, to any number of connections that take turns, on the port that is given.
import { createServer } from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'

const db = await PGlite.create({ extensions: { vector } })
let queue = Promise.resolve()
const server = createServer(socket => {
  let rest = Buffer.alloc(0), started = false
  socket.on('error', () => {})
  socket.on('data', data => {
    rest = Buffer.concat([rest, data])
    for (;;) {
      const at = started ? 1 : 0
      if (rest.length < at + 4) return
      const size = at + rest.readInt32BE(at)
      if (rest.length < size) return
      const message = rest.subarray(0, size)
      rest = rest.subarray(size)
      if (!started && size === 8 && message.readInt32BE(4) === 80877103) { socket.write('N'); continue } // no TLS
      if (started && message[0] === 88) { socket.end(); return } // the end of the connection, not of the session
      started = true
      queue = queue.then(async () => { socket.write(await db.execProtocolRaw(message)) })
    }
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1')
