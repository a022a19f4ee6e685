#ifndef ESPALIER_CZLIB_SHIM_H
#define ESPALIER_CZLIB_SHIM_H
#include <zlib.h>

// `inflateInit2` is a macro, which Swift does not import. 15 window bits, plus 16 for the gzip format alone.
static inline int espalier_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
#endif
