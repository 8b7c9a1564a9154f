// Writes, or with --check compares, the vectors that docs/formats.md calls for: node generate.mjs [--check]
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { accountVectors } from './accounts.mjs';
import { attestationVectors, nameVectors } from './attestations.mjs';
import { anchorVectors, logVectors, mapVectors } from './log.mjs';
import { factVectors } from './facts.mjs';
import { integrityVectors } from './integrity.mjs';
import { participantVectors } from './participants.mjs';
import { receiptVectors } from './receipts.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes('--check');
const made = {
  'attestations.json': { note: 'submission: JSON text as sent; the others follow from it', cases: attestationVectors() },
  'names.json': nameVectors(),
  'log.json': logVectors(),
  'map.json': mapVectors(),
  'anchor.json': anchorVectors(),
  'facts.json': { note: 'data: as the index keeps the event', cases: factVectors() },
  'receipts.json': receiptVectors(),
  'accounts.json': accountVectors(),
  'integrity.json': { note: 'documents as JSON values: a member that is absent is absent', ...integrityVectors() },
  'participants.json': participantVectors(),
};

let differing = 0;
for (const [name, body] of Object.entries(made)) {
  const file = path.join(here, name);
  const text = JSON.stringify(body, null, 1) + '\n';
  if (!check) fs.writeFileSync(file, text);
  else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) differing++;
  const verdict = check ? (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text ? 'same' : 'DIFFERS') : 'written';
  console.log(`${name}: ${text.length} bytes, ${verdict}`);
}
process.exitCode = differing ? 1 : 0;
