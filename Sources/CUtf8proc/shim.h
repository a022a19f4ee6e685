#ifndef ESPALIER_CUTF8PROC_SHIM_H
#define ESPALIER_CUTF8PROC_SHIM_H
#include <utf8proc.h>
#endif
