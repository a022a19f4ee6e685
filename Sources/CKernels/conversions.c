#include "kernels.h"

// Works on bits: the compiler's own half-precision type is a call into its runtime library on processors without F16C.

typedef uint16_t unaligned_half __attribute__((aligned(1), may_alias));

KERNEL void ck_widen_bfloat16(float *y, const void *x, size_t count) {
  const unaligned_half *source = x;
  for (size_t i = 0; i < count; i++) set_bits(y + i, (uint32_t)source[i] << 16);
}

// Moves the exponent's bias from 15 to 127. A subnormal half is m * 2^-24: as the low bits of 1/2, whose last bit is
// worth 2^-24, less 1/2, it comes out exactly even where the processor flushes subnormals.
KERNEL void ck_widen_float16(float *y, const void *x, size_t count) {
  const unaligned_half *source = x;
  for (size_t i = 0; i < count; i++) {
    uint32_t half = source[i], magnitude = half & 0x7FFFu;
    uint32_t normal = (magnitude << 13) + (112u << 23), infinite = normal + (112u << 23);
    float number;
    set_bits(&number, 0x3F000000u | magnitude);
    float subnormal = number - 0.5f;
    uint32_t bits = magnitude < 0x0400u ? bits_of(&subnormal) : (magnitude < 0x7C00u ? normal : infinite);
    set_bits(y + i, bits | (half & 0x8000u) << 16);
  }
}

// A NaN stays one even where its payload is only in the bits dropped.
KERNEL void ck_round_bfloat16(void *y, const float *x, size_t count) {
  unaligned_half *target = y;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x + i);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    target[i] = (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
  }
}

// A result below the normal range is rounded by adding 1/2, whose last bit is worth the smallest subnormal half.
KERNEL void ck_round_float16(void *y, const float *x, size_t count) {
  unaligned_half *target = y;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x + i), magnitude = bits & 0x7FFFFFFFu;
    uint32_t normal = (magnitude - (112u << 23) + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
    float number;
    set_bits(&number, magnitude);
    float sum = number + 0.5f;
    uint32_t subnormal = bits_of(&sum) - 0x3F000000u;
    uint32_t special = magnitude > 0x7F800000u ? 0x7E00u : 0x7C00u;
    uint32_t half = magnitude < 0x38800000u ? subnormal : (magnitude < 0x47800000u ? normal : special);
    target[i] = (uint16_t)(half | ((bits >> 16) & 0x8000u));
  }
}
