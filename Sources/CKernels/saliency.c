#include "kernels.h"

KERNEL float ck_absolute_product_sum(const float *g, const float *w, size_t count) {
  VECTOR_SUMS
  float sum = 0;
  if (g)
    for (size_t i = 0; i < count; i++) sum += fabsf(g[i] * w[i]);
  else
    for (size_t i = 0; i < count; i++) sum += fabsf(w[i]);
  return sum;
}

KERNEL void ck_add_absolute_products(float *sums, const float *g, const float *w, size_t count) {
  if (g)
    for (size_t i = 0; i < count; i++) sums[i] += fabsf(g[i] * w[i]);
  else
    for (size_t i = 0; i < count; i++) sums[i] += fabsf(w[i]);
}
