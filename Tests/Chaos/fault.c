// Preloaded into a rank by scripts/chaos: makes a chosen call go wrong, as a dying process or a failing disk would. Espalier
// itself knows nothing of it.
//
//   CHAOS_RANK    the rank that it happens on
//   CHAOS_AFTER   CALL[:PART]  armed once this call (on a path that has PART in it) was made ...
//   CHAOS_COUNT   ... so many times
//   CHAOS_AT      CALL[:PART]  the call at which it happens, once armed
//   CHAOS_ACTION  kill | stop | term: the rank gets that signal;  enospc | erofs | eio: this call and all further ones of
//                 writing to such a path fail so
//   CHAOS_MARK    a file that is made when it happens
//
// CALL is open, write, fsync, rename, cblas_sgemm, MPI_Reduce (of 256 numbers or more) or MPI_Sendrecv.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int seen, fired;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static int is_mine(void) {
  const char *rank = getenv("OMPI_COMM_WORLD_RANK");
  return rank && *setting("CHAOS_RANK") && strcmp(rank, setting("CHAOS_RANK")) == 0;
}

// Whether `rule` (CALL or CALL:PART) is about this call.
static int matches(const char *rule, const char *call, const char *path) {
  size_t length = strlen(call);
  if (strncmp(rule, call, length) != 0) return 0;
  if (rule[length] == 0) return 1;
  return rule[length] == ':' && path && strstr(path, rule + length + 1);
}

static int is_writing_fault(void) {
  const char *action = setting("CHAOS_ACTION");
  return !strcmp(action, "enospc") || !strcmp(action, "erofs") || !strcmp(action, "eio");
}

static void mark(void) {
  int file = (int)syscall(SYS_openat, AT_FDCWD, setting("CHAOS_MARK"), O_WRONLY | O_CREAT, 0666);
  if (file >= 0) syscall(SYS_close, file);
}

// What becomes of a call: 0, or the errno that it fails with.
static int fault(const char *call, const char *path) {
  if (!is_mine()) return 0;
  const char *at = setting("CHAOS_AT");
  int armed = atomic_load(&seen) >= atoi(setting("CHAOS_COUNT"));
  int is_at = matches(at, call, path);
  if (is_writing_fault() && atomic_load(&fired)) {
    // A disk that is full stays full, for every file of that kind.
    const char *part = strchr(at, ':');
    is_at = part && path && strstr(path, part + 1) != NULL;
  }
  if (armed && is_at) {
    const char *action = setting("CHAOS_ACTION");
    if (!atomic_exchange(&fired, 1)) mark();
    else if (!is_writing_fault()) return 0;
    if (!strcmp(action, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(action, "stop")) kill(getpid(), SIGSTOP);
    if (!strcmp(action, "term")) kill(getpid(), SIGTERM);
    if (!strcmp(action, "enospc")) return ENOSPC;
    if (!strcmp(action, "erofs")) return EROFS;
    if (!strcmp(action, "eio")) return EIO;
    return 0;
  }
  if (matches(setting("CHAOS_AFTER"), call, path)) atomic_fetch_add(&seen, 1);
  return 0;
}

static const char *path_of(int descriptor, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length < 0) return NULL;
  buffer[length] = 0;
  return buffer;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  int error = fault("open", path);
  if (error && (error == EIO || (flags & (O_WRONLY | O_RDWR)))) {
    errno = error;
    return -1;
  }
  return REAL(open)(path, flags, mode);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (descriptor > 2 && is_mine()) {
    char buffer[4096];
    int error = fault("write", path_of(descriptor, buffer, sizeof buffer));
    if (error) {
      errno = error;
      return -1;
    }
  }
  return REAL(write)(descriptor, bytes, count);
}

int fsync(int descriptor) {
  char buffer[4096];
  int error = is_mine() ? fault("fsync", path_of(descriptor, buffer, sizeof buffer)) : 0;
  if (error) {
    errno = error;
    return -1;
  }
  return REAL(fsync)(descriptor);
}

int rename(const char *from, const char *to) {
  int error = fault("rename", to);
  if (error) {
    errno = error;
    return -1;
  }
  return REAL(rename)(from, to);
}

void cblas_sgemm(
  int order, int transposed_a, int transposed_b, int m, int n, int k, float alpha, const float *a, int stride_a,
  const float *b, int stride_b, float beta, float *c, int stride_c) {
  fault("cblas_sgemm", NULL);
  REAL(cblas_sgemm)(
    order, transposed_a, transposed_b, m, n, k, alpha, a, stride_a, b, stride_b, beta, c, stride_c);
}

int MPI_Reduce(
  const void *from, void *to, int count, MPI_Datatype type, MPI_Op operation, int root, MPI_Comm communicator) {
  if (count >= 256) fault("MPI_Reduce", NULL);
  return PMPI_Reduce(from, to, count, type, operation, root, communicator);
}

int MPI_Sendrecv(
  const void *from, int sent, MPI_Datatype sent_type, int destination, int sent_tag, void *to, int received,
  MPI_Datatype received_type, int source, int received_tag, MPI_Comm communicator, MPI_Status *status) {
  fault("MPI_Sendrecv", NULL);
  return PMPI_Sendrecv(
    from, sent, sent_type, destination, sent_tag, to, received, received_type, source, received_tag, communicator,
    status);
}
