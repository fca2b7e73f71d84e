// fsync and fdatasync that first wait as long as a file says: milliseconds, in the file named by SLOW_SYNC.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void wait_as_told(void) {
	const char *path = getenv("SLOW_SYNC");
	FILE *file = path ? fopen(path, "r") : NULL;
	long milliseconds = 0;
	if (file == NULL)
		return;
	if (fscanf(file, "%ld", &milliseconds) != 1)
		milliseconds = 0;
	fclose(file);
	struct timespec wait = {milliseconds / 1000, milliseconds % 1000 * 1000000};
	nanosleep(&wait, NULL);
}

int fsync(int file) {
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	wait_as_told();
	return next(file);
}

int fdatasync(int file) {
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	wait_as_told();
	return next(file);
}
