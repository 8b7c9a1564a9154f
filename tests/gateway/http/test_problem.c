#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "gateway/http/problem.h"
#include "tests/gateway/http/rig.h"

static void errors_have_their_status(void **state)
{
	static const struct {
		int error;
		unsigned status;
		const char *name;
	} rows[] = {
		{-EBADMSG, 400, "malformed"},	  {-EILSEQ, 400, "malformed"},
		{-EINVAL, 400, "malformed"},	  {-EKEYREJECTED, 403, "bad-signature"},
		{-EACCES, 403, "not-admitted"},	  {-ENOENT, 404, "not-found"},
		{-EEXIST, 409, "conflict"},	  {-EOVERFLOW, 413, "too-large"},
		{-EDOM, 422, "unprocessable"},	  {-EDQUOT, 429, "quota"},
		{-EAGAIN, 503, "busy"},		  {-ETIMEDOUT, 503, "deadline"},
		{-ECONNREFUSED, 503, "upstream"}, {-ENOMEM, 500, "internal"},
		{-EIO, 503, "upstream"},	  {-ECANCELED, 503, "busy"},
		{-ESTALE, 503, "busy"},	  {-EPERM, 500, "internal"},
		{-EPROTO, 500, "internal"},	  {0, 500, "internal"},
		{-123456, 500, "internal"},	  {-ENOSPC, 500, "internal"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct http_problem_type *type = http_problem_of(&(struct http_problem){.error = rows[i].error});
		assert_int_equal(type->status, rows[i].status);
		assert_string_equal(type->name, rows[i].name);
	}
	/* A name wins over an errno, an unknown name is the gateway's own fault. */
	assert_int_equal(http_problem_of(&(struct http_problem){.type = "gone", .error = -ENOENT})->status, 410);
	assert_int_equal(http_problem_of(&(struct http_problem){.type = "nonsense"})->status, 500);
}

static void every_type_is_complete_and_found(void **state)
{
	size_t count;
	const struct http_problem_type *types = http_problem_types(&count);
	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(http_problem_find(types[i].name), &types[i]);
		assert_in_range(types[i].status, 400, 505);
		assert_true(strlen(types[i].title) > 0 && strlen(types[i].remedy) > 0);
	}
	assert_null(http_problem_find(""));
}

static json_t *parse(const struct http_problem *problem, const char *url)
{
	char json[HTTP_PROBLEM_MAX];
	json_error_t error;
	size_t len = http_problem_json(json, problem, url);
	assert_int_equal(len, strlen(json));
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		print_error("%s: %s\n", json, error.text);
	assert_non_null(root);
	return root;
}

static void texts_are_escaped(void **state)
{
	(void)state;
	json_t *root = parse(
		&(struct http_problem){.type = "not-admitted",
				       .detail =
					       "\"q\" \\ \n \x01 \x7f \xc3\xa9 \xff \xc0\xaf \xed\xa0\x80 \xf0\x9f\x98",
				       .pointer = "/a~1b",
				       .rule = "r"},
		"https://k.example");
	assert_string_equal(json_string_value(json_object_get(root, "type")),
			    "https://k.example/problems/not-admitted");
	assert_int_equal(json_integer_value(json_object_get(root, "status")), 403);
	assert_string_equal(json_string_value(json_object_get(root, "detail")),
			    "\"q\" \\ \n \x01 \x7f \xc3\xa9 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(json_string_value(json_object_get(root, "pointer")), "/a~1b");
	assert_string_equal(json_string_value(json_object_get(root, "rule")), "r");
	json_decref(root);
}

static void absent_members_are_absent_and_failures_tell_nothing(void **state)
{
	(void)state;
	json_t *root = parse(&(struct http_problem){.error = -EPROTO, .detail = "password is hunter2"}, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "type")), "/problems/internal");
	assert_null(json_object_get(root, "detail"));
	assert_null(json_object_get(root, "pointer"));
	assert_null(json_object_get(root, "rule"));
	assert_string_equal(json_string_value(json_object_get(root, "next")), http_problem_find("internal")->remedy);
	json_decref(root);
	root = parse(&(struct http_problem){.type = "not-found", .next = "look elsewhere"}, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "next")), "look elsewhere");
	json_decref(root);
}

static void the_longest_texts_fit(void **state)
{
	static char quotes[9000], controls[9000], broken[9000];
	(void)state;
	memset(quotes, '"', sizeof(quotes) - 1);
	memset(controls, 1, sizeof(controls) - 1);
	memset(broken, 0xff, sizeof(broken) - 1);
	json_t *root = parse(
		&(struct http_problem){
			.type = "version-not-supported", .detail = controls, .pointer = broken, .rule = quotes},
		quotes);
	assert_int_equal(json_object_size(root), 7);
	json_decref(root);
}

static void problems_are_answered_and_their_pages_served(void **state)
{
	static struct rig_reply reply;
	struct rig rig;
	size_t count;
	char text[256];
	(void)state;
	rig_start(&rig, NULL);
	static const char fail[] = "GET /fail HTTP/1.1\r\nHost: a\r\n\r\n";
	rig_ask(&rig, &reply, fail, sizeof(fail) - 1);
	assert_int_equal(rig_status(&reply), 403);
	assert_true(rig_has(&reply, "Content-Type: application/problem+json\r\n"));
	json_t *root = json_loads(rig_body(&reply), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "rule")), "rate");
	assert_string_equal(json_string_value(json_object_get(root, "type")),
			    "https://kedge.example/problems/not-admitted");
	json_decref(root);
	const struct http_problem_type *types = http_problem_types(&count);
	for (size_t i = 0; i < count; i++) {
		int fd = rig_connect(&rig);
		int n = snprintf(text, sizeof(text), "GET /problems/%s HTTP/1.1\r\nHost: a\r\n\r\n", types[i].name);
		rig_send(fd, text, (size_t)n);
		rig_receive_one(&rig, &reply, fd);
		assert_int_equal(rig_status(&reply), 200);
		assert_non_null(strstr(rig_body(&reply), types[i].title));
		close(fd);
	}
	static const char list[] = "GET /problems HTTP/1.1\r\nHost: a\r\n\r\n";
	rig_ask(&rig, &reply, list, sizeof(list) - 1);
	assert_non_null(strstr(rig_body(&reply), "/problems/version-not-supported"));
	assert_non_null(strstr(rig_body(&reply), "</html>"));
	static const char none[] = "GET /problems/x HTTP/1.1\r\nHost: a\r\n\r\n";
	rig_ask(&rig, &reply, none, sizeof(none) - 1);
	assert_int_equal(rig_status(&reply), 404);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_their_status),
		cmocka_unit_test(every_type_is_complete_and_found),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(absent_members_are_absent_and_failures_tell_nothing),
		cmocka_unit_test(the_longest_texts_fit),
		cmocka_unit_test(problems_are_answered_and_their_pages_served),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
