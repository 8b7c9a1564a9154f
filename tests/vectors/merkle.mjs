// The Merkle trees of RFC 9162, section 2.1, word for word and recursive: slow, and plainly right. Sizes are JavaScript
// numbers, exact up to 2^53, so no bit operators here.
import { createHash } from 'node:crypto';

export const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
export const leafHash = (data) => sha256(Buffer.of(0), data);
export const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

// "let k be the largest power of two smaller than n"
function split(n) {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

// A tree over given leaf hashes. Every method takes the range [lo, hi) so that a prefix of the log is a tree too.
export class Tree {
  #known = new Map();

  constructor(leaves) {
    this.leaves = leaves;
  }

  // 2.1.1: MTH(D[lo:hi])
  root(lo, hi) {
    const n = hi - lo;
    if (n === 0) return sha256();
    if (n === 1) return this.leaves[lo];
    const name = `${lo}:${hi}`;
    let found = this.#known.get(name);
    if (!found) {
      const k = split(n);
      found = nodeHash(this.root(lo, lo + k), this.root(lo + k, hi));
      this.#known.set(name, found);
    }
    return found;
  }

  // 2.1.3.1: PATH(m, D[lo:hi])
  inclusion(m, lo, hi) {
    const n = hi - lo;
    if (n === 1) return [];
    const k = split(n);
    return m < k
      ? [...this.inclusion(m, lo, lo + k), this.root(lo + k, hi)]
      : [...this.inclusion(m - k, lo + k, hi), this.root(lo, lo + k)];
  }

  // 2.1.4.1: PROOF(m, D[0:n]) = SUBPROOF(m, D[0:n], true)
  consistency(m, n) {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m, lo, hi, whole) {
    const n = hi - lo;
    if (m === n) return whole ? [] : [this.root(lo, hi)];
    const k = split(n);
    return m <= k
      ? [...this.#subproof(m, lo, lo + k, whole), this.root(lo + k, hi)]
      : [...this.#subproof(m - k, lo + k, hi, false), this.root(lo, lo + k)];
  }
}

// A tree whose leaves are all the same, of any size: a subtree is known by its size alone.
export class EqualLeaves extends Tree {
  #bySize = new Map();

  constructor(leaf) {
    super([]);
    this.leaf = leaf;
  }

  root(lo, hi) {
    const n = hi - lo;
    if (n === 0) return sha256();
    if (n === 1) return this.leaf;
    let found = this.#bySize.get(n);
    if (!found) {
      const k = split(n);
      found = nodeHash(this.root(0, k), this.root(0, n - k));
      this.#bySize.set(n, found);
    }
    return found;
  }
}

// 2.1.3.2, with BigInt so that uint64 sizes fit.
export function verifyInclusion(leaf, index, size, proof, root) {
  if (index >= size) return false;
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of proof) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      r = nodeHash(p, r);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && r.equals(root);
}

// 2.1.4.2; size 0 is refused, equal sizes want equal roots and no proof.
export function verifyConsistency(size1, root1, size2, root2, proof) {
  if (size1 === 0n || size1 > size2) return false;
  if (size1 === size2) return proof.length === 0 && root1.equals(root2);
  if (proof.length === 0) return false;
  const path = (size1 & (size1 - 1n)) === 0n ? [root1, ...proof] : proof;
  let [fn, sn] = [size1 - 1n, size2 - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return fr.equals(root1) && sr.equals(root2) && sn === 0n;
}
