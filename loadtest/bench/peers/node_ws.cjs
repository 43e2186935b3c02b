// Node's `ws`, with a loop of send(). The twin of obeying.py and of what stands beside it.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { WebSocketServer } = require('ws');

const order = JSON.parse(process.argv[2]);
const TICK = 5; // milliseconds
const PAD = 'x'.repeat(order.pad || 0);
const microseconds = () => 10n ** 15n + process.hrtime.bigint() / 1000n;
const say = (values) => process.stdout.write(`${JSON.stringify(values)}\n`);

const rooms = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: order.port, backlog: 4096, perMessageDeflate: false });
server.on('connection', (socket, request) => {
  const session = Number(new URL(request.url, 'http://x').searchParams.get('session'));
  if (!rooms.has(session)) rooms.set(session, new Set());
  rooms.get(session).add(socket);
  socket.on('close', () => rooms.get(session).delete(socket));
  socket.on('message', (said) => {
    socket.send(JSON.stringify({ type: 'accepted', ref: JSON.parse(said).ref, result: {} }));
  });
});

function emit(session, number, due) {
  const message = `${String(session).padStart(8, '0')}-0000-4000-8000-000000000000`;
  const text = JSON.stringify({
    type: 'token.added', message, attempt: 1, chunk: number, next: number + 1, text: `@${due} some token${PAD}`,
  });
  for (const socket of rooms.get(session) ?? []) socket.send(text);
}

let rate = 0;
function speak() {
  const groups = Math.max(1, Math.round(1000 / rate / TICK));
  const start = microseconds() + BigInt(TICK * 1000);
  let number = 0;
  let emitted = 0;
  const step = () => {
    if (!rate) return say({ emitted });
    let due = start + BigInt(number * TICK * 1000);
    while (due <= microseconds()) {
      for (let session = number % groups; session < order.sessions; session += groups, emitted++) emit(session, number, due);
      number++;
      due = start + BigInt(number * TICK * 1000);
    }
    return setTimeout(step, Number(due - microseconds()) / 1000);
  };
  step();
}

require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, value] = line.split(' ');
  rate = word === 'start' ? Number(value) : 0;
  if (rate) speak();
}).on('close', () => process.exit(0));

server.on('listening', () => {
  const told = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'bench-')), 'told.json');
  process.on('exit', () => fs.rmSync(path.dirname(told), { recursive: true }));
  process.on('SIGTERM', () => process.exit(0));
  fs.writeFileSync(told, JSON.stringify({
    path: '/ws?session={session}', headers: '', first: [], up: '',
    mark: order.scenario === 'S5' ? '"accepted","ref":' : '@',
    say: '{"type":"typing.set","ref":{ts},"session":"{session}","active":true}',
    sessions: Array.from({ length: order.sessions }, (_, n) => ({ session: String(n) })),
  }));
  say({ told });
});
