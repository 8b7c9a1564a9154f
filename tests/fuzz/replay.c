/* Runs a libFuzzer harness over the files of a corpus folder, so that every input that ever mattered is tried again by
 * ctest with any compiler. An absent or empty folder is a failure: a test that cannot fail is a defect. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	long size;
	int rc = -1;

	if (!f)
		return -1;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		/* exactly the size, so that ASan sees a read past the end */
		bytes = malloc((size_t)size ? (size_t)size : 1);
		if (bytes && fread(bytes, 1, (size_t)size, f) == (size_t)size) {
			LLVMFuzzerTestOneInput(bytes, (size_t)size);
			rc = 0;
		}
		free(bytes);
	}
	fclose(f);
	return rc;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	struct dirent *entry;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (replay(path) != 0) {
			fprintf(stderr, "cannot read %s\n", path);
			closedir(dir);
			return 1;
		}
		count++;
	}
	closedir(dir);
	printf("%u inputs replayed\n", count);
	return count ? 0 : 1;
}
