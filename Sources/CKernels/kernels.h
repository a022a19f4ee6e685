#pragma once
#include "CKernels.h"
#include <math.h>
#include <string.h>

// One body, three machine codes, chosen when the program is loaded.
#if defined(__x86_64__) && defined(__linux__)
#define KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KERNEL
#endif

// Lets a loop's sums be regrouped into vectors; never used around `exponential`, whose error terms regrouping would lose.
#define VECTOR_SUMS _Pragma("clang fp reassociate(on) contract(fast)")

static inline uint32_t bits_of(const float *x) {
  uint32_t bits;
  memcpy(&bits, x, sizeof bits);
  return bits;
}

static inline void set_bits(float *x, uint32_t bits) { memcpy(x, &bits, sizeof bits); }

// e^x within 2 ulp for -87 <= x <= 88 (Cephes' expf: reduction by ln 2 in two parts, degree-5 polynomial), 0 below and
// infinity above: clamped there instead, silu(-1e30) would be -6e-9 and silu(-3e38) -1.8.
// libm's expf keeps a loop from being vectorised.
static inline float exponential(float argument) {
  float x = argument < -87.0f ? -87.0f : (argument > 88.0f ? 88.0f : argument);
  const float shifter = 12582912.0f; // 1.5 * 2^23: adding and taking it away rounds to an integer
  float n = x * 1.44269504088896341f + shifter;
  n = n - shifter;
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fmaf(p, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p * r, r, r + 1.0f);
  union {
    int32_t bits;
    float value;
  } power = {((int32_t)n + 127) << 23};
  float result = p * power.value;
  return argument < -87.0f ? 0.0f : (argument > 88.0f ? INFINITY : result);
}

// The largest of `count` values, in sixteen lanes: without the promise that no value is NaN, a compiler keeps one lane.
static inline float largest(const float *x, size_t count) {
  float lanes[16], result = -INFINITY;
  for (size_t k = 0; k < 16; k++) lanes[k] = -INFINITY;
  size_t j = 0;
  for (; j + 16 <= count; j += 16)
    for (size_t k = 0; k < 16; k++) lanes[k] = x[j + k] > lanes[k] ? x[j + k] : lanes[k];
  for (; j < count; j++) result = x[j] > result ? x[j] : result;
  for (size_t k = 0; k < 16; k++) result = lanes[k] > result ? lanes[k] : result;
  return result;
}
