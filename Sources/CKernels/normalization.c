#include "kernels.h"

KERNEL float ck_rms_norm(float *y, const float *x, const float *weight, float epsilon, size_t count) {
  VECTOR_SUMS
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
  float inverse = 1.0f / sqrtf(sum / (float)count + epsilon);
  for (size_t i = 0; i < count; i++) y[i] = x[i] * inverse * weight[i];
  return inverse;
}

// With n = x * r, y = n * w and r = (mean x² + ε)^(-1/2): dx = r * (dy * w - n * mean(dy * w * n)).
KERNEL void ck_rms_norm_backward(float *dx, float *dweight, const float *dy, const float *x, const float *weight,
                                 float inverse_rms, size_t count) {
  VECTOR_SUMS
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += dy[i] * weight[i] * x[i];
  float shared = sum * inverse_rms * inverse_rms * inverse_rms / (float)count;
  for (size_t i = 0; i < count; i++) dx[i] += dy[i] * weight[i] * inverse_rms - x[i] * shared;
  if (dweight)
    for (size_t i = 0; i < count; i++) dweight[i] += dy[i] * x[i] * inverse_rms;
}
