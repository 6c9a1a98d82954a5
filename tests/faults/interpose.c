// Stands between a process and its C library (LD_PRELOAD), and faults at one call on one file.
//
// fault_arm("rename", "images-24.index", 1, KILL_AFTER) kills the process after its next rename of a
// file whose path contains that text. fault_trace(fd) writes every call it sees, a line each.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTHING, KILL_BEFORE, KILL_AFTER, KILL_HALFWAY, NO_SPACE, NO_LOCKS };

static char armed_call[32], armed_part[512];
static int armed_count, armed_action, trace_to = -1;

void fault_arm(const char *call, const char *part, int count, int action) {
  snprintf(armed_call, sizeof armed_call, "%s", call);
  snprintf(armed_part, sizeof armed_part, "%s", part);
  armed_count = count;
  armed_action = action;
}

void fault_trace(int descriptor) { trace_to = descriptor; }

static void die(void) { kill(getpid(), SIGKILL); }

static int due(const char *call, const char *path) {
  if (trace_to >= 0) dprintf(trace_to, "%s %s\n", call, path);
  if (!armed_action || strcmp(call, armed_call) || !strstr(path, armed_part)) return NOTHING;
  if (--armed_count > 0) return NOTHING;
  int action = armed_action;
  // A disk stays full; a process dies once.
  if (action == KILL_BEFORE) die();
  return action;
}

static const char *path_of(int descriptor, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, buffer, size - 1);
  buffer[length < 0 ? 0 : length] = 0;
  return buffer;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define RUN(call, path, refused, expression)                    \
  int action = due(call, path);                                 \
  if (action == NO_SPACE) return errno = ENOSPC, refused;       \
  __typeof__(expression) result = expression;                   \
  if (action == KILL_AFTER) die();                              \
  return result

int open(const char *path, int flags, ...) {
  __builtin_va_list rest;
  __builtin_va_start(rest, flags);
  unsigned mode = flags & O_CREAT ? __builtin_va_arg(rest, unsigned) : 0;
  __builtin_va_end(rest);
  if (!(flags & O_CREAT)) return REAL(open)(path, flags, mode);
  RUN("open", path, -1, REAL(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...) {
  __builtin_va_list rest;
  __builtin_va_start(rest, flags);
  unsigned mode = flags & O_CREAT ? __builtin_va_arg(rest, unsigned) : 0;
  __builtin_va_end(rest);
  if (!(flags & O_CREAT)) return REAL(open64)(path, flags, mode);
  RUN("open", path, -1, REAL(open64)(path, flags, mode));
}

FILE *fopen(const char *path, const char *mode) {
  if (mode[0] == 'r') return REAL(fopen)(path, mode);
  RUN("open", path, NULL, REAL(fopen)(path, mode));
}

FILE *fopen64(const char *path, const char *mode) {
  if (mode[0] == 'r') return REAL(fopen64)(path, mode);
  RUN("open", path, NULL, REAL(fopen64)(path, mode));
}

ssize_t write(int descriptor, const void *data, size_t size) {
  char buffer[4096];
  const char *path = path_of(descriptor, buffer, sizeof buffer);
  if (descriptor == trace_to) return REAL(write)(descriptor, data, size);
  int action = due("write", path);
  if (action == NO_SPACE) return errno = ENOSPC, -1;
  if (action == KILL_HALFWAY) REAL(write)(descriptor, data, size / 2), die();
  ssize_t result = REAL(write)(descriptor, data, size);
  if (action == KILL_AFTER) die();
  return result;
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
  char buffer[4096];
  const char *path = path_of(fileno(file), buffer, sizeof buffer);
  int action = due("write", path);
  if (action == NO_SPACE) return errno = ENOSPC, 0;
  if (action == KILL_HALFWAY)
    REAL(fwrite)(data, 1, size * count / 2, file), fflush(file), die();
  size_t result = REAL(fwrite)(data, size, count, file);
  if (action == KILL_AFTER) fflush(file), die();
  return result;
}

int fsync(int descriptor) {
  char buffer[4096];
  RUN("fsync", path_of(descriptor, buffer, sizeof buffer), -1, REAL(fsync)(descriptor));
}

int rename(const char *from, const char *to) { RUN("rename", to, -1, REAL(rename)(from, to)); }

int renameat(int a, const char *from, int b, const char *to) {
  RUN("rename", to, -1, REAL(renameat)(a, from, b, to));
}

int unlink(const char *path) { RUN("unlink", path, -1, REAL(unlink)(path)); }

int unlinkat(int folder, const char *path, int flags) {
  RUN("unlink", path, -1, REAL(unlinkat)(folder, path, flags));
}

int rmdir(const char *path) { RUN("rmdir", path, -1, REAL(rmdir)(path)); }

int mkdir(const char *path, mode_t mode) { RUN("mkdir", path, -1, REAL(mkdir)(path, mode)); }

int flock(int descriptor, int operation) {
  char buffer[4096];
  int action = due("flock", path_of(descriptor, buffer, sizeof buffer));
  if (action == NO_LOCKS) return errno = ENOSYS, -1;
  return REAL(flock)(descriptor, operation);
}
