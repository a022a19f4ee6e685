#ifndef ESPALIER_CZSTD_SHIM_H
#define ESPALIER_CZSTD_SHIM_H
#include <zstd.h>
#include <zstd_errors.h>
#endif
