/* The guard remembers the largest signed tree over restarts, torn writes and damage, and never lets two signers in. */
#include "gateway/steward/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static struct merkle_edge edge_of(uint64_t size)
{
	struct merkle_edge edge = {0};
	struct merkle_hasher hasher;

	assert_int_equal(merkle_hasher_init(&hasher), 0);
	for (uint64_t i = 0; i < size; i++) {
		struct merkle_hash leaf;

		merkle_leaf(&hasher, &leaf, &i, sizeof(i));
		assert_int_equal(merkle_edge_append(&hasher, &edge, &leaf), 0);
	}
	merkle_hasher_clear(&hasher);
	return edge;
}

static void assert_holds(uint64_t size)
{
	struct merkle_edge expected = edge_of(size);
	struct guard guard;
	int fresh;

	assert_int_equal(guard_open(&guard, &fresh, path), 0);
	assert_int_equal(fresh, 0);
	assert_int_equal(guard.edge.size, size);
	assert_memory_equal(guard.edge.hashes, expected.hashes, 32 * merkle_edge_count(size));
	guard_close(&guard);
}

static void write_sizes(const uint64_t *sizes, size_t n)
{
	struct guard guard;
	int fresh;

	unlink(path);
	assert_int_equal(guard_open(&guard, &fresh, path), 0);
	assert_int_equal(fresh, 1);
	assert_int_equal(guard.edge.size, 0);
	for (size_t i = 0; i < n; i++) {
		struct merkle_edge edge = edge_of(sizes[i]);

		assert_int_equal(guard_advance(&guard, &edge), 0);
	}
	guard_close(&guard);
}

static void spoil(off_t at, uint8_t mask)
{
	uint8_t byte;
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= mask;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void remembers(void **state)
{
	const uint64_t sizes[] = {1, 2, 2, 300, 1023};

	(void)state;
	write_sizes(sizes, 5);
	assert_holds(1023);
}

static void never_goes_back(void **state)
{
	const uint64_t sizes[] = {7};
	struct merkle_edge smaller = edge_of(6);
	struct guard guard;
	int fresh;

	(void)state;
	write_sizes(sizes, 1);
	assert_int_equal(guard_open(&guard, &fresh, path), 0);
	assert_int_equal(guard_advance(&guard, &smaller), -EINVAL);
	assert_int_equal(guard.edge.size, 7);
	guard_close(&guard);
	assert_holds(7);
}

/* Each record is written whole; whatever a torn write leaves in one, the other holds what was signed before. */
static void survives_a_torn_record(void **state)
{
	const uint64_t sizes[] = {5, 6, 9};

	(void)state;
	for (off_t at = 0; at < GUARD_RECORD; at += 97) {
		write_sizes(sizes, 3); /* counters 1, 2, 3: the third stands in the second record */
		spoil(GUARD_RECORD + at, 0x10);
		assert_holds(6);
		write_sizes(sizes, 3);
		spoil(at, 0x01);
		assert_holds(9);
	}
}

static void refuses_when_nothing_is_whole(void **state)
{
	const uint64_t sizes[] = {5, 6};
	struct guard guard;
	int fresh;

	(void)state;
	write_sizes(sizes, 2);
	spoil(20, 1);
	spoil(GUARD_RECORD + 20, 1);
	assert_int_equal(guard_open(&guard, &fresh, path), -EBADMSG);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(guard_open(&guard, &fresh, path), -EBADMSG);
}

static void lets_one_signer_in(void **state)
{
	struct guard guard;
	int fresh, status;
	pid_t pid;

	(void)state;
	unlink(path);
	assert_int_equal(guard_open(&guard, &fresh, path), 0);
	pid = fork();
	if (pid == 0) {
		struct guard second;

		_exit(guard_open(&second, &fresh, path) == -EWOULDBLOCK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	guard_close(&guard);
	assert_int_equal(guard_open(&guard, &fresh, path), 0);
	guard_close(&guard);
}

static int make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/kedge-guard-%d", getpid());
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers), cmocka_unit_test(never_goes_back), cmocka_unit_test(survives_a_torn_record),
		cmocka_unit_test(refuses_when_nothing_is_whole), cmocka_unit_test(lets_one_signer_in)};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
