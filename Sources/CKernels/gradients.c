#include "kernels.h"
#include <float.h>
#include <string.h>

static inline int is_not_finite(const float *x) { return (bits_of(x) & 0x7F800000u) == 0x7F800000u; }

KERNEL size_t ck_first_not_finite(const float *x, size_t count) {
  const size_t block = 1024;
  for (size_t start = 0; start < count; start += block) {
    size_t end = count - start < block ? count : start + block;
    uint32_t found = 0;
    for (size_t i = start; i < end; i++) found |= (uint32_t)is_not_finite(x + i);
    if (found)
      for (size_t i = start; i < end; i++)
        if (is_not_finite(x + i)) return i;
  }
  return count;
}

KERNEL void ck_split_float32(uint8_t *planes, const float *x, size_t count) {
  uint8_t *a = planes, *b = a + count, *c = b + count, *d = c + count;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x + i);
    a[i] = (uint8_t)(bits >> 24);
    b[i] = (uint8_t)(bits >> 16);
    c[i] = (uint8_t)(bits >> 8);
    d[i] = (uint8_t)bits;
  }
}

KERNEL void ck_join_float32(float *x, const uint8_t *planes, size_t count) {
  const uint8_t *a = planes, *b = a + count, *c = b + count, *d = c + count;
  for (size_t i = 0; i < count; i++)
    set_bits(x + i, (uint32_t)a[i] << 24 | (uint32_t)b[i] << 16 | (uint32_t)c[i] << 8 | (uint32_t)d[i]);
}

KERNEL void ck_split_bfloat16(uint8_t *planes, const float *x, size_t count) {
  uint8_t *high = planes, *low = planes + count;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x + i);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    rounded = (rounded & 0x7FFFu) == 0x7F80u ? rounded - 1 : rounded;
    high[i] = (uint8_t)(rounded >> 8);
    low[i] = (uint8_t)rounded;
  }
}

KERNEL void ck_join_bfloat16(float *x, const uint8_t *planes, size_t count) {
  const uint8_t *high = planes, *low = planes + count;
  for (size_t i = 0; i < count; i++) set_bits(x + i, (uint32_t)high[i] << 24 | (uint32_t)low[i] << 16);
}

enum { quantization_block = 256 };

static inline float largest_magnitude(const float *x, size_t count) {
  float lanes[16] = {0}, result = 0;
  size_t j = 0;
  for (; j + 16 <= count; j += 16)
    for (size_t k = 0; k < 16; k++) {
      float magnitude = fabsf(x[j + k]);
      lanes[k] = magnitude > lanes[k] ? magnitude : lanes[k];
    }
  for (; j < count; j++) result = fabsf(x[j]) > result ? fabsf(x[j]) : result;
  for (size_t k = 0; k < 16; k++) result = lanes[k] > result ? lanes[k] : result;
  return result;
}

KERNEL void ck_quantize_int8(uint8_t *scales, int8_t *codes, const float *x, float *_Nullable errors, size_t count) {
  // A fused multiply-add would give other errors on processors that have it.
#pragma clang fp contract(off)
  const float shifter = 12582912.0f; // 1.5 * 2^23: adding and taking it away rounds to an integer, ties to even
  for (size_t start = 0; start < count; start += quantization_block) {
    size_t length = count - start < quantization_block ? count - start : quantization_block;
    const float *block = x + start;
    float scale = largest_magnitude(block, length) / 127.0f;
    // Rounded up, the greatest float's scale times 127 would be infinite.
    if (scale * 127.0f > FLT_MAX) set_bits(&scale, bits_of(&scale) - 1);
    // The scale of the smallest subnormals is 0: their codes are 0 too, and all of them is error.
    float divisor = scale > 0 ? scale : INFINITY;
    int8_t *numbers = codes + start;
    for (size_t i = 0; i < length; i++) {
      float quotient = block[i] / divisor;
      quotient = quotient < -127.0f ? -127.0f : (quotient > 127.0f ? 127.0f : quotient);
      quotient = quotient + shifter;
      numbers[i] = (int8_t)(int32_t)(quotient - shifter);
    }
    if (errors)
      for (size_t i = 0; i < length; i++) {
        float decoded = (float)numbers[i] * scale;
        errors[start + i] = block[i] - decoded;
      }
    memcpy(scales + start / quantization_block * sizeof scale, &scale, sizeof scale);
  }
}

KERNEL void ck_dequantize_int8(float *x, const uint8_t *scales, const int8_t *codes, size_t count) {
  for (size_t start = 0; start < count; start += quantization_block) {
    size_t length = count - start < quantization_block ? count - start : quantization_block;
    float scale;
    memcpy(&scale, scales + start / quantization_block * sizeof scale, sizeof scale);
    for (size_t i = 0; i < length; i++) x[start + i] = (float)codes[start + i] * scale;
  }
}

void ck_count_bytes(uint64_t *counts, const uint8_t *bytes, size_t count) {
  // Four tables, because equal neighbors would wait for each other's store.
  uint64_t tables[4][256] = {{0}};
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (size_t k = 0; k < 4; k++) tables[k][bytes[i + k]]++;
  for (; i < count; i++) tables[0][bytes[i]]++;
  for (size_t value = 0; value < 256; value++)
    for (size_t k = 0; k < 4; k++) counts[value] += tables[k][value];
}
