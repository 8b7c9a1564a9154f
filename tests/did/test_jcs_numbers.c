/* jcs_number() against JSON.stringify of node, double for double. Patterns go to node in chunks and its lines come
 * back, so neither side needs to know how the other makes its numbers. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "did/jcs.h"

#define CHUNK 1024 /* 8 KiB out and at most 26 KiB back: within the pipes' 64 KiB, so neither side waits for ever */

struct node {
	pid_t pid;
	int to;
	FILE *from;
	size_t pending;
	double chunk[CHUNK];
	size_t compared;
};

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t to_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static int start_node(void **state)
{
	static struct node node;
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	node.pid = fork();
	if (node.pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		execlp("node", "node", KEDGE_NUMBERS_SCRIPT, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	node.to = to[1];
	node.from = fdopen(from[0], "r");
	*state = &node;
	return node.pid > 0 && node.from ? 0 : -1;
}

static void flush(struct node *node)
{
	char line[64], ours[JCS_NUMBER_SIZE];
	size_t size = node->pending * sizeof(double);

	assert_int_equal(write(node->to, node->chunk, size), size);
	for (size_t i = 0; i < node->pending; i++) {
		if (!fgets(line, sizeof(line), node->from))
			fail_msg("node does not answer");
		line[strcspn(line, "\n")] = '\0';
		if (jcs_number(ours, node->chunk[i]) < 0 || strcmp(ours, line) != 0)
			fail_msg("%a is %s, not %s", node->chunk[i], line, ours);
	}
	node->compared += node->pending;
	node->pending = 0;
}

static void compare(struct node *node, double value)
{
	if (!isfinite(value))
		return;
	node->chunk[node->pending++] = value;
	if (node->pending == CHUNK)
		flush(node);
}

static void with_neighbours(struct node *node, double value)
{
	uint64_t bits = to_bits(value);

	for (uint64_t i = 0; i < 5; i++) {
		compare(node, from_bits(bits + i - 2));
		compare(node, -from_bits(bits + i - 2));
	}
}

static void every_power_of_two_and_its_neighbours(void **state)
{
	for (int e = -1074; e <= 1023; e++)
		with_neighbours(*state, ldexp(1.0, e));
	flush(*state);
}

static void every_power_of_ten_and_its_neighbours(void **state)
{
	char text[16];

	for (int e = -323; e <= 308; e++) {
		snprintf(text, sizeof(text), "1e%d", e);
		with_neighbours(*state, strtod(text, NULL));
	}
	flush(*state);
}

static void edges_of_layout_and_of_integers(void **state)
{
	static const double edges[] = {1e21,
				       1e20,
				       123456789012345680000.0,
				       999999999999999900000.0,
				       1e-6,
				       1e-7,
				       9.999999e-7,
				       1.5e-7,
				       0.000001234567,
				       1e15,
				       1e14,
				       99999999999999.9,
				       999999999.999999,
				       0.1,
				       0.3,
				       5e-324,
				       2.2250738585072014e-308,
				       1.7976931348623157e308,
				       4.35,
				       0.62,
				       1.0 / 3};

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		with_neighbours(*state, edges[i]);
	for (int n = -2000; n <= 2000; n++) {
		compare(*state, 9007199254740992.0 + n);
		compare(*state, -9007199254740992.0 - n);
		compare(*state, n);
		compare(*state, n / 100.0);
		compare(*state, n / 1e6);
		compare(*state, n / 1e7);
	}
	compare(*state, -0.0);
	flush(*state);
}

static void subnormals(void **state)
{
	uint64_t seed = 2;

	for (uint64_t bits = 1; bits <= 5000; bits++)
		compare(*state, from_bits(bits));
	for (int i = 0; i < 50000; i++)
		compare(*state, from_bits(splitmix64(&seed) >> 12));
	flush(*state);
}

static void decimals_as_people_write_them(void **state)
{
	uint64_t seed = 3;
	char text[48];

	for (int i = 0; i < 100000; i++) {
		uint64_t a = splitmix64(&seed), b = splitmix64(&seed);

		snprintf(text, sizeof(text), "%u.%0*u", (unsigned)(a % 100000), (int)(b % 9) + 1,
			 (unsigned)(a >> 40) % 1000);
		compare(*state, strtod(text, NULL));
	}
	flush(*state);
}

static void a_million_random_patterns(void **state)
{
	struct node *node = *state;
	uint64_t seed = 1;

	for (size_t done = node->compared; node->compared + node->pending < done + 1000000;)
		compare(node, from_bits(splitmix64(&seed)));
	flush(node);
}

static void what_is_not_finite_is_refused(void **state)
{
	char text[JCS_NUMBER_SIZE];

	(void)state;
	assert_int_equal(jcs_number(text, (double)NAN), -EINVAL);
	assert_int_equal(jcs_number(text, HUGE_VAL), -EINVAL);
	assert_int_equal(jcs_number(text, -HUGE_VAL), -EINVAL);
}

static int stop_node(void **state)
{
	struct node *node = *state;
	int status = -1;

	close(node->to);
	waitpid(node->pid, &status, 0);
	fclose(node->from);
	printf("%zu doubles equal to JSON.stringify\n", node->compared);
	return status == 0 && node->compared > 1000000 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_power_of_two_and_its_neighbours),
		cmocka_unit_test(every_power_of_ten_and_its_neighbours),
		cmocka_unit_test(edges_of_layout_and_of_integers),
		cmocka_unit_test(subnormals),
		cmocka_unit_test(decimals_as_people_write_them),
		cmocka_unit_test(a_million_random_patterns),
		cmocka_unit_test(what_is_not_finite_is_refused),
	};

	return cmocka_run_group_tests(tests, start_node, stop_node);
}
