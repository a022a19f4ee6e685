#include "kernels.h"

// A number is infinite or NaN when all bits of its exponent are set. Whole blocks are looked through without a branch, so
// that a loop over them is as fast as memory gives them.

typedef uint16_t unaligned_half __attribute__((aligned(1), may_alias));
typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));

enum { block = 4096 };

static inline size_t first_full_half(const unaligned_half *x, uint16_t exponent, size_t count) {
  for (size_t start = 0; start < count; start += block) {
    size_t end = count - start < block ? count : start + block;
    uint16_t found = 0;
    for (size_t i = start; i < end; i++) found |= (uint16_t)((x[i] & exponent) == exponent);
    if (found)
      for (size_t i = start; i < end; i++)
        if ((x[i] & exponent) == exponent) return i;
  }
  return count;
}

KERNEL size_t ck_first_not_finite_bfloat16(const void *x, size_t count) { return first_full_half(x, 0x7F80u, count); }

KERNEL size_t ck_first_not_finite_float16(const void *x, size_t count) { return first_full_half(x, 0x7C00u, count); }

KERNEL size_t ck_first_not_finite_float32(const void *x, size_t count) {
  const unaligned_word *words = x;
  const uint32_t exponent = 0x7F800000u;
  for (size_t start = 0; start < count; start += block) {
    size_t end = count - start < block ? count : start + block;
    uint32_t found = 0;
    for (size_t i = start; i < end; i++) found |= (uint32_t)((words[i] & exponent) == exponent);
    if (found)
      for (size_t i = start; i < end; i++)
        if ((words[i] & exponent) == exponent) return i;
  }
  return count;
}
