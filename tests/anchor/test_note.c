/* Signed notes and checkpoints: what is accepted, and everything that is nearly one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "anchor/checkpoint.h"
#include "anchor/note.h"

#define ORIGIN "localhost:8004/log"
#define DASH "\xe2\x80\x94 "

static struct note_key key;
static uint8_t secret[64];
static char signed_note[CHECKPOINT_NOTE_MAX];
static size_t signed_len;
static struct merkle_hash root;

static int setup(void **state)
{
	uint8_t seed[32];

	(void)state;
	if (sodium_init() < 0)
		return -1;
	memset(seed, 7, sizeof(seed));
	memset(&root, 0x5a, sizeof(root));
	if (note_key_from_seed(&key, secret, ORIGIN, strlen(ORIGIN), seed) != 0)
		return -1;
	return checkpoint_sign(signed_note, &signed_len, 1234, &root, &key, secret);
}

static void test_checkpoint_round_trip(void **state)
{
	struct checkpoint back;
	char again[CHECKPOINT_NOTE_MAX];
	size_t len;

	(void)state;
	assert_memory_equal(signed_note, ORIGIN "\n1234\n", strlen(ORIGIN) + 6);
	assert_int_equal(checkpoint_open(&back, signed_note, signed_len, &key), 0);
	assert_string_equal(back.origin, ORIGIN);
	assert_int_equal(back.size, 1234);
	assert_memory_equal(&back.root, &root, sizeof(root));
	/* signing the same pair again gives the same bytes */
	assert_int_equal(checkpoint_sign(again, &len, 1234, &root, &key, secret), 0);
	assert_int_equal(len, signed_len);
	assert_memory_equal(again, signed_note, len);
	assert_int_equal(checkpoint_sign(again, &len, MERKLE_SIZE_MAX, &root, &key, secret), 0);
	assert_int_equal(checkpoint_open(&back, again, len, &key), 0);
	assert_int_equal(checkpoint_sign(again, &len, MERKLE_SIZE_MAX + 1, &root, &key, secret), -EINVAL);
}

static void test_any_changed_bit_is_noticed(void **state)
{
	char note[CHECKPOINT_NOTE_MAX];
	struct checkpoint back;

	(void)state;
	for (size_t i = 0; i < signed_len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(note, signed_note, signed_len);
			note[i] = (char)(note[i] ^ (1 << bit));
			assert_int_not_equal(checkpoint_open(&back, note, signed_len, &key), 0);
		}
		assert_int_not_equal(checkpoint_open(&back, signed_note, i, &key), 0);
	}
}

static void test_checkpoints_refused(void **state)
{
#define R "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
	static const char *const good = "a/log\n7\n" R "\n";
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", -EBADMSG},
		{"\n", -EBADMSG},
		{"a/log\n7\n", -EBADMSG},
		{"a/log\n7\n" R, -EBADMSG},
		{"\n7\n" R "\n", -EBADMSG},
		{"a log\n7\n" R "\n", -EBADMSG},
		{"a+log\n7\n" R "\n", -EBADMSG},
		{"a/log\n\n" R "\n", -EBADMSG},
		{"a/log\n07\n" R "\n", -EBADMSG},
		{"a/log\n00\n" R "\n", -EBADMSG},
		{"a/log\n-7\n" R "\n", -EBADMSG},
		{"a/log\n+7\n" R "\n", -EBADMSG},
		{"a/log\n7 \n" R "\n", -EBADMSG},
		{"a/log\n0x7\n" R "\n", -EBADMSG},
		{"a/log\n7\r\n" R "\n", -EBADMSG},
		{"a/log\n9223372036854775808\n" R "\n", -EOVERFLOW},
		{"a/log\n18446744073709551616\n" R "\n", -EOVERFLOW},
		{"a/log\n99999999999999999999\n" R "\n", -EOVERFLOW},
		{"a/log\n111111111111111111111\n" R "\n", -EBADMSG},
		{"a/log\n7\n\n", -EBADMSG},
		{"a/log\n7\nWlpa\n", -EBADMSG},
		{"a/log\n7\n" R "WlpaWlpa\n", -EBADMSG},
		{"a/log\n7\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo\n", -EBADMSG},	/* no padding */
		{"a/log\n7\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp=\n", -EBADMSG}, /* spare bits set */
		{"a/log\n7\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp-Wlo=\n", -EBADMSG}, /* URL alphabet */
		{"a/log\n7\n" R "\nextension\n", -EBADMSG},
		{"a/log\n7\n" R "\n\n", -EBADMSG},
	};
	struct checkpoint checkpoint;

	(void)state;
	assert_int_equal(checkpoint_parse(&checkpoint, good, strlen(good)), 0);
	assert_int_equal(checkpoint.size, 7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = checkpoint_parse(&checkpoint, cases[i].text, strlen(cases[i].text));

		if (rc != cases[i].rc)
			fail_msg("%d instead of %d for: %s", rc, cases[i].rc, cases[i].text);
	}
}

static void test_notes_refused(void **state)
{
#define S "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkM="
	static const char *const good = "text\n\n" DASH "name " S "\n";
	static const struct {
		const char *note;
		int rc;
	} cases[] = {
		{"", -EBADMSG},
		{"\n", -EBADMSG},
		{"text\n", -EBADMSG},
		{"text\n\n", -EBADMSG},
		{"text\n\n" DASH "name " S, -EBADMSG},
		{"text\n" DASH "name " S "\n", -EBADMSG},
		{"\n" DASH "name " S "\n", -EBADMSG},
		{"text\n\n- name " S "\n", -EBADMSG},
		{"text\n\n\xe2\x80\x93 name " S "\n", -EBADMSG},
		{"text\n\n\xe2\x80\x94name " S "\n", -EBADMSG},
		{"text\n\n" DASH " " S "\n", -EBADMSG},
		{"text\n\n" DASH "name\n", -EBADMSG},
		{"text\n\n" DASH "name \n", -EBADMSG},
		{"text\n\n" DASH "na+me " S "\n", -EBADMSG},
		{"text\n\n" DASH "name  " S "\n", -EBADMSG},
		{"text\n\n" DASH "name " S " \n", -EBADMSG},
		{"text\n\n" DASH "name " S "\n\n", -EBADMSG},
		{"text\n\n" DASH "name " S "\nmore\n", -EBADMSG},
		{"text\n\n" DASH "name AAAA\n", -EBADMSG},
		{"text\n\n" DASH "name AAAAAA==\n", -EBADMSG},
		{"text\n\n" DASH "name AAAAAAB=\n", -EBADMSG},
		{"text\n\n" DASH "name AAAAAA\n", -EBADMSG},
		{"text\n\n" DASH "name AA-_AAA=\n", -EBADMSG},
		{"te\txt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\rxt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xffxt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xc0\xafxt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xed\xa0\x80xt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xf4\x90\x80\x80xt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xe0\x80\xafxt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xf0\x80\x80\xafxt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\x80xt\n\n" DASH "name " S "\n", -EILSEQ},
		{"te\xc3\n\n" DASH "name " S "\n", -EILSEQ},
	};
	struct note note;

	(void)state;
	assert_int_equal(note_parse(&note, good, strlen(good)), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = note_parse(&note, cases[i].note, strlen(cases[i].note));

		if (rc != cases[i].rc)
			fail_msg("%d instead of %d for: %s", rc, cases[i].rc, cases[i].note);
	}
	assert_int_equal(note_parse(&note, "te\0xt\n\n" DASH "name " S "\n", 5 + 2 + 9 + strlen(S) + 1), -EILSEQ);
}

static void test_text_may_hold_empty_lines_and_any_script(void **state)
{
	static const char text[] = "\xd0\xba\xd0\xb5\xd0\xb4\xd0\xb6 \xf0\x9f\x9a\xa2\n\nsecond paragraph\n";
	char note_bytes[512];
	struct note note;
	size_t len;

	(void)state;
	assert_int_equal(note_sign(note_bytes, sizeof(note_bytes), &len, text, strlen(text), &key, secret), 0);
	assert_int_equal(note_parse(&note, note_bytes, len), 0);
	assert_int_equal(note.text_len, strlen(text));
	assert_int_equal(note_verify(&note, &key), 0);
	assert_int_equal(note_sign(note_bytes, len - 1, &len, text, strlen(text), &key, secret), -ENOSPC);
	assert_int_equal(note_sign(note_bytes, sizeof(note_bytes), &len, "no line feed", 12, &key, secret), -EINVAL);
	assert_int_equal(note_sign(note_bytes, sizeof(note_bytes), &len, "\xff\n", 2, &key, secret), -EINVAL);
	assert_int_equal(note_sign(note_bytes, sizeof(note_bytes), &len, "", 0, &key, secret), -EINVAL);
}

/* Puts `count` foreign signatures before ours. */
static size_t with_strangers(char *out, unsigned count)
{
	size_t text_len = (size_t)((char *)memmem(signed_note, signed_len, "\n\n", 2) - signed_note) + 2;
	size_t len = text_len;

	memcpy(out, signed_note, text_len);
	for (unsigned i = 0; i < count; i++)
		len += (size_t)sprintf(out + len, DASH "stranger%u AAAAAAAA\n", i);
	memcpy(out + len, signed_note + text_len, signed_len - text_len);
	return len + signed_len - text_len;
}

static void test_unknown_keys_are_ignored_and_bounded(void **state)
{
	static char note_bytes[8192];
	struct checkpoint back;

	(void)state;
	assert_int_equal(checkpoint_open(&back, note_bytes, with_strangers(note_bytes, 16), &key), 0);
	assert_int_equal(checkpoint_open(&back, note_bytes, with_strangers(note_bytes, NOTE_SIGNATURES_MAX - 1), &key),
			 0);
	assert_int_equal(checkpoint_open(&back, note_bytes, with_strangers(note_bytes, NOTE_SIGNATURES_MAX), &key),
			 -EOVERFLOW);
}

static void test_long_foreign_signatures_pass_up_to_the_bound(void **state)
{
	static uint8_t blob[NOTE_SIGNATURE_MAX + 3];
	static char base64[8192], note_bytes[16384];
	struct note note;

	(void)state;
	sodium_bin2base64(base64, sizeof(base64), blob, 4 + 2420, sodium_base64_VARIANT_ORIGINAL);
	sprintf(note_bytes, "text\n\n" DASH "mldsa %s\n", base64);
	assert_int_equal(note_parse(&note, note_bytes, strlen(note_bytes)), 0);
	assert_int_equal(note.signatures[0].size, 2420);
	sodium_bin2base64(base64, sizeof(base64), blob, sizeof(blob), sodium_base64_VARIANT_ORIGINAL);
	sprintf(note_bytes, "text\n\n" DASH "mldsa %s\n", base64);
	assert_int_equal(note_parse(&note, note_bytes, strlen(note_bytes)), -EOVERFLOW);
}

static void test_a_whole_note_is_bounded(void **state)
{
	char *bytes = malloc(NOTE_MAX + 1);
	struct note note;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, '\n', NOTE_MAX + 1);
	assert_int_equal(note_parse(&note, bytes, NOTE_MAX + 1), -EOVERFLOW);
	assert_int_equal(note_parse(&note, bytes, NOTE_MAX), -EBADMSG);
	free(bytes);
}

static void test_known_key_with_a_bad_signature_condemns(void **state)
{
	static char note_bytes[1024];
	struct checkpoint back;
	char *line;
	size_t len = with_strangers(note_bytes, 0);

	(void)state;
	/* ours twice, the second one with another valid encoding of wrong bytes */
	line = memmem(note_bytes, len, DASH, 4);
	memcpy(note_bytes + len, line, (size_t)(note_bytes + len - line));
	note_bytes[len + (size_t)(note_bytes + len - line) - 20] ^= 1;
	len += (size_t)(note_bytes + len - line);
	assert_int_equal(checkpoint_open(&back, note_bytes, len, &key), -EKEYREJECTED);
}

static void test_other_keys_do_not_count(void **state)
{
	struct note_key other, same_name;
	struct checkpoint back, foreign = {.size = 1234, .root = root, .origin = "elsewhere/log"};
	char text[CHECKPOINT_TEXT_MAX], note_bytes[CHECKPOINT_NOTE_MAX];
	uint8_t seed[32] = {9}, other_secret[64];
	size_t len;

	(void)state;
	assert_int_equal(note_key_from_seed(&other, other_secret, "example.com/log", 15, seed), 0);
	assert_int_equal(checkpoint_open(&back, signed_note, signed_len, &other), -ENOENT);
	assert_int_equal(note_key_from_seed(&same_name, other_secret, ORIGIN, strlen(ORIGIN), seed), 0);
	assert_int_equal(checkpoint_open(&back, signed_note, signed_len, &same_name), -ENOENT); /* another id */
	memcpy(same_name.id, key.id, 4);
	assert_int_equal(checkpoint_open(&back, signed_note, signed_len, &same_name), -EKEYREJECTED);
	/* the right key over another log's text */
	assert_int_equal(checkpoint_format(text, &len, &foreign), 0);
	assert_int_equal(note_sign(note_bytes, sizeof(note_bytes), &len, text, len, &key, secret), 0);
	assert_int_equal(checkpoint_open(&back, note_bytes, len, &key), -ENOENT);
}

static void test_vkeys(void **state)
{
	char text[NOTE_KEY_TEXT_MAX], bad[NOTE_KEY_TEXT_MAX + 2];
	struct note_key back;
	size_t len = note_key_format(text, &key);

	(void)state;
	assert_int_equal(len, strlen(text));
	assert_int_equal(note_key_parse(&back, text, len), 0);
	assert_memory_equal(&back, &key, sizeof(key));
	for (size_t i = 0; i < len; i++) {
		assert_int_not_equal(note_key_parse(&back, text, i), 0);
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bad, text, len);
			bad[i] = (char)(bad[i] ^ (1 << bit));
			assert_int_not_equal(note_key_parse(&back, bad, len), 0); /* the id covers name, type and key */
		}
	}
	sprintf(bad, "%s\n", text);
	assert_int_equal(note_key_parse(&back, bad, len + 1), -EBADMSG);
	/* type 0x06 is well-formed and unknown */
	assert_int_equal(note_key_parse(&back, "name+00000000+BgAA", 18), -ENOENT);
	assert_int_equal(note_key_parse(&back, "name+00000000+", 14), -EBADMSG);
	assert_int_equal(note_key_parse(&back, "+00000000+BgAA", 14), -EBADMSG);
	assert_int_equal(note_key_parse(&back, NULL, 0), -EBADMSG);
}

static void test_key_names(void **state)
{
	static const char *const bad[] = {"", "a b", "a+b", "a\nb", "a\x7f", "\xc3\xa9"};
	char longest[NOTE_NAME_MAX + 2];
	struct note_key made;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_key_init(&made, bad[i], strlen(bad[i]), NOTE_ED25519, key.public_key), -EINVAL);
	memset(longest, 'n', sizeof(longest));
	assert_int_equal(note_key_init(&made, longest, NOTE_NAME_MAX, NOTE_ED25519, key.public_key), 0);
	assert_int_equal(note_key_init(&made, longest, NOTE_NAME_MAX + 1, NOTE_ED25519, key.public_key), -EINVAL);
	assert_int_equal(note_key_init(&made, "a", 1, (enum note_type)2, key.public_key), -EINVAL);
}

/* One cosignature line of time `at` under `witness`, made by hand. */
static size_t cosign(char *out, const struct note_key *witness, uint64_t at, const struct note *note)
{
	char message[1024], base64[128];
	uint8_t blob[76];
	size_t len = (size_t)sprintf(message, "cosignature/v1\ntime %llu\n%.*s", (unsigned long long)at,
				     (int)note->text_len, note->text);

	memcpy(blob, witness->id, 4);
	for (unsigned i = 0; i < 8; i++)
		blob[4 + i] = (uint8_t)(at >> (56 - 8 * i));
	crypto_sign_detached(blob + 12, NULL, (const uint8_t *)message, len, secret);
	sodium_bin2base64(base64, sizeof(base64), blob, sizeof(blob), sodium_base64_VARIANT_ORIGINAL);
	return (size_t)sprintf(out, DASH "%s %s\n", witness->name, base64);
}

static void test_cosignatures(void **state)
{
	char bytes[2048];
	struct note_key witness;
	struct note note;
	uint64_t at;
	size_t len = signed_len;

	(void)state;
	assert_int_equal(note_key_init(&witness, "witness", 7, NOTE_COSIGNATURE, key.public_key), 0);
	memcpy(bytes, signed_note, len);
	assert_int_equal(note_parse(&note, bytes, len), 0);
	assert_int_equal(note_verify_cosignature(&at, &note, &witness), -ENOENT);
	assert_int_equal(note_verify_cosignature(&at, &note, &key), -EINVAL);
	assert_int_equal(note_verify(&note, &witness), -EINVAL);
	len += cosign(bytes + len, &witness, 1777593600, &note);
	len += cosign(bytes + len, &witness, 1777593000, &note);
	assert_int_equal(note_parse(&note, bytes, len), 0);
	assert_int_equal(note_verify_cosignature(&at, &note, &witness), 0);
	assert_int_equal(at, 1777593600);
	assert_int_equal(note_verify(&note, &key), 0);
	note.signatures[2].bytes[7] ^= 1; /* another time under the same signature */
	assert_int_equal(note_verify_cosignature(&at, &note, &witness), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checkpoint_round_trip),
		cmocka_unit_test(test_any_changed_bit_is_noticed),
		cmocka_unit_test(test_checkpoints_refused),
		cmocka_unit_test(test_notes_refused),
		cmocka_unit_test(test_text_may_hold_empty_lines_and_any_script),
		cmocka_unit_test(test_unknown_keys_are_ignored_and_bounded),
		cmocka_unit_test(test_long_foreign_signatures_pass_up_to_the_bound),
		cmocka_unit_test(test_a_whole_note_is_bounded),
		cmocka_unit_test(test_known_key_with_a_bad_signature_condemns),
		cmocka_unit_test(test_other_keys_do_not_count),
		cmocka_unit_test(test_vkeys),
		cmocka_unit_test(test_key_names),
		cmocka_unit_test(test_cosignatures),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
