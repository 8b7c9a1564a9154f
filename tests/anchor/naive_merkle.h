/* The tree by its definitions, recursively, with libcrypto's one-shot hash: an oracle that shares no line with anchor/.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "anchor/merkle.h"

static inline void naive_sha256(struct merkle_hash *out, const void *data, size_t len)
{
	if (EVP_Digest(data, len, out->bytes, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

static inline void naive_node(struct merkle_hash *out, const struct merkle_hash *l, const struct merkle_hash *r)
{
	uint8_t buf[65] = {0x01};

	memcpy(buf + 1, l->bytes, 32);
	memcpy(buf + 33, r->bytes, 32);
	naive_sha256(out, buf, sizeof(buf));
}

/* largest power of two smaller than n, n > 1 */
static inline size_t naive_split(size_t n)
{
	size_t k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

/* MTH of RFC 9162 section 2.1.1, over leaf hashes */
static inline void naive_root(struct merkle_hash *out, const struct merkle_hash *leaves, size_t n)
{
	struct merkle_hash l, r;
	size_t k;

	if (n == 0) {
		naive_sha256(out, "", 0);
	} else if (n == 1) {
		*out = leaves[0];
	} else {
		k = naive_split(n);
		naive_root(&l, leaves, k);
		naive_root(&r, leaves + k, n - k);
		naive_node(out, &l, &r);
	}
}

/* PATH(m, D_n) of section 2.1.3.1; returns the length */
static inline size_t naive_path(struct merkle_hash *proof, size_t m, const struct merkle_hash *d, size_t n)
{
	size_t k, len;

	if (n == 1)
		return 0;
	k = naive_split(n);
	if (m < k) {
		len = naive_path(proof, m, d, k);
		naive_root(&proof[len], d + k, n - k);
	} else {
		len = naive_path(proof, m - k, d + k, n - k);
		naive_root(&proof[len], d, k);
	}
	return len + 1;
}

/* SUBPROOF(m, D_n, b) of section 2.1.4.1 */
static inline size_t naive_subproof(struct merkle_hash *proof, size_t m, const struct merkle_hash *d, size_t n, bool b)
{
	size_t k, len;

	if (m == n) {
		if (b)
			return 0;
		naive_root(&proof[0], d, n);
		return 1;
	}
	k = naive_split(n);
	if (m <= k) {
		len = naive_subproof(proof, m, d, k, b);
		naive_root(&proof[len], d + k, n - k);
	} else {
		len = naive_subproof(proof, m - k, d + k, n - k, false);
		naive_root(&proof[len], d, k);
	}
	return len + 1;
}

/* Section 2.1.3.2, step by step as printed. */
static inline bool naive_verify_inclusion(const struct merkle_hash *root, const struct merkle_hash *leaf,
					  uint64_t index, uint64_t size, const struct merkle_hash *proof, size_t count)
{
	uint64_t fn = index, sn = size - 1;
	struct merkle_hash r = *leaf;

	if (index >= size)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			naive_node(&r, &proof[i], &r);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			naive_node(&r, &r, &proof[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(&r, root, sizeof(r)) == 0;
}

/* Section 2.1.4.2, step by step as printed, with the strict rule for empty old trees. */
static inline bool naive_verify_consistency(const struct merkle_hash *root1, uint64_t m,
					    const struct merkle_hash *root2, uint64_t n,
					    const struct merkle_hash *proof, size_t count)
{
	uint64_t fn = m - 1, sn = n - 1;
	struct merkle_hash fr, sr;
	size_t i = 0;

	if (m == 0 || m > n)
		return false;
	if (m == n)
		return count == 0 && memcmp(root1, root2, sizeof(*root1)) == 0;
	if (count == 0)
		return false;
	fr = sr = (m & (m - 1)) == 0 ? *root1 : proof[i++];
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	for (; i < count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			naive_node(&fr, &proof[i], &fr);
			naive_node(&sr, &proof[i], &sr);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			naive_node(&sr, &sr, &proof[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(&fr, root1, sizeof(fr)) == 0 && memcmp(&sr, root2, sizeof(sr)) == 0;
}
