// A server of server-sent events as one writes it in Node: the yardstick of streams.sh. Prints its port.
//   GET any path   a stream        POST /emit   its body goes to all of them        GET /wait   an answer one turn of the loop later
import http from 'node:http';

const streams = new Set();
const server = http.createServer((request, response) => {
  if (request.method === 'POST') {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const event = Buffer.concat(parts);
      for (const stream of streams) stream.write(event);
      response.end('ok');
    });
  } else if (request.url === '/wait') {
    setImmediate(() => response.end('ok'));
  } else {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    response.socket.setNoDelay(true);
    streams.add(response);
    request.on('close', () => streams.delete(response));
  }
});
server.keepAliveTimeout = 600000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
