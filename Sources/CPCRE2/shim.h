// PCRE2 for UTF-8 subjects; the width has to be chosen before its header is read.
#ifndef ESPALIER_CPCRE2_SHIM_H
#define ESPALIER_CPCRE2_SHIM_H
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif
