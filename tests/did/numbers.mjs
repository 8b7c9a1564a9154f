// Answers each 8-byte little-endian double on standard input with a line: what JSON.stringify writes for it.
let rest = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk;
  const whole = bytes.length - (bytes.length % 8);
  let lines = "";
  for (let at = 0; at < whole; at += 8) lines += JSON.stringify(bytes.readDoubleLE(at)) + "\n";
  rest = bytes.subarray(whole);
  if (!process.stdout.write(lines)) {
    process.stdin.pause();
    process.stdout.once("drain", () => process.stdin.resume());
  }
});
