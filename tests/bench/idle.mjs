// Opens COUNT connections, asks one thing on each, says "open" and keeps them until its input ends.
//   node idle.mjs URL COUNT
import net from "node:net";

const url = new URL(process.argv[2]), count = Number(process.argv[3]);

function open() {
  return new Promise((resolve, reject) => {
    const socket = net.connect(url.port, "127.0.0.1");
    socket.on("error", reject).once("data", () => resolve(socket.on("data", () => {})));
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  });
}

const sockets = [];
while (sockets.length < count)
  sockets.push(...await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, open)));
console.log("open");
process.stdin.on("end", () => process.exit()).resume();
