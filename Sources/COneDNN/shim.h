#pragma once
#include <oneapi/dnnl/dnnl.h>

// oneDNN as Debian builds it runs on GNU's OpenMP. Its header is the compiler's own and not on every compiler's path, so the
// one function that is needed is declared here: how many threads the calling thread's parallel regions have from now on.
void omp_set_num_threads(int);
