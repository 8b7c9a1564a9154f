/* RFC 3339, section 5.6: date-time = full-date "T" full-time. "T" and "Z" may be lower case, as ABNF has it. */
#include "did/siwe.h"

#include <errno.h>

struct clock_text {
	const char *at, *end;
	bool bad;
};

static int digits(struct clock_text *in, int n, int low, int high)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (in->at == in->end || *in->at < '0' || *in->at > '9') {
			in->bad = true;
			return low;
		}
		value = value * 10 + (*in->at++ - '0');
	}
	in->bad |= value < low || value > high;
	return value;
}

static void sign(struct clock_text *in, char c)
{
	char upper = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;

	if (in->at < in->end && (*in->at == upper || (upper >= 'A' && *in->at == upper - 'A' + 'a')))
		in->at++;
	else
		in->bad = true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400, day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* time-secfrac, as milliseconds; what is finer is cut */
static int fraction(struct clock_text *in)
{
	int value = 0, n = 0;

	if (in->at == in->end || *in->at != '.')
		return 0;
	for (in->at++; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++, n++)
		if (n < 3)
			value = value * 10 + (*in->at - '0');
	in->bad |= n == 0;
	for (; n < 3; n++)
		value *= 10;
	return value;
}

/* time-offset, in seconds */
static int64_t offset(struct clock_text *in)
{
	bool minus = in->at < in->end && *in->at == '-';
	int64_t hours, minutes;

	if (in->at == in->end || (*in->at != '+' && *in->at != '-')) {
		sign(in, 'Z');
		return 0;
	}
	in->at++;
	hours = digits(in, 2, 0, 23);
	sign(in, ':');
	minutes = digits(in, 2, 0, 59);
	return (minus ? -1 : 1) * (hours * 3600 + minutes * 60);
}

int siwe_time_parse(int64_t *ms, struct did_slice text)
{
	struct clock_text in = {text.ptr, text.ptr ? text.ptr + text.len : NULL, text.len == 0};
	int year = digits(&in, 4, 0, 9999), month, day, hour, minute, second, milli;
	int64_t seconds, of_day;

	sign(&in, '-');
	month = digits(&in, 2, 1, 12);
	sign(&in, '-');
	day = digits(&in, 2, 1, 31);
	in.bad |= in.bad || day > days_in(year, month);
	sign(&in, 'T');
	hour = digits(&in, 2, 0, 23);
	sign(&in, ':');
	minute = digits(&in, 2, 0, 59);
	sign(&in, ':');
	second = digits(&in, 2, 0, 60);
	milli = fraction(&in);
	if (in.bad)
		return -EBADMSG;
	of_day = ((int64_t)hour * 60 + minute) * 60 + second;
	seconds = days_from_civil(year, month, day) * 86400 + of_day - offset(&in);
	if (in.bad || in.at != in.end)
		return -EBADMSG;
	/* "23:59:60" of UTC is the one leap second there can be */
	if (second == 60 && seconds % 86400 != 0)
		return -EBADMSG;
	*ms = seconds * 1000 + milli;
	return 0;
}
