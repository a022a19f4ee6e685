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
KERNEL void ck_rms_norm_backward(float *dx, const float *dy, const float *x, const float *weight, float inverse_rms,
                                 size_t count) {
  VECTOR_SUMS
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += dy[i] * weight[i] * x[i];
  float shared = sum * inverse_rms * inverse_rms * inverse_rms / (float)count;
  for (size_t i = 0; i < count; i++) dx[i] += dy[i] * weight[i] * inverse_rms - x[i] * shared;
}

KERNEL float ck_layer_norm(float *y, float *mean, const float *x, const float *weight, const float *_Nullable bias,
                           float epsilon, size_t count) {
  VECTOR_SUMS
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += (double)x[i];
  double center = sum / (double)count;
  for (size_t i = 0; i < count; i++) squares += ((double)x[i] - center) * ((double)x[i] - center);
  float middle = (float)center, inverse = (float)(1.0 / sqrt(squares / (double)count + (double)epsilon));
  if (bias)
    for (size_t i = 0; i < count; i++) y[i] = (x[i] - middle) * inverse * weight[i] + bias[i];
  else
    for (size_t i = 0; i < count; i++) y[i] = (x[i] - middle) * inverse * weight[i];
  *mean = middle;
  return inverse;
}

// With n = (x - mean) * r, y = n * w + b and r = (variance + ε)^(-1/2):
// dx = r * (dy * w - mean(dy * w) - n * mean(dy * w * n)).
KERNEL void ck_layer_norm_backward(float *dx, float *_Nullable dweight, float *_Nullable dbias, const float *dy,
                                   const float *x, const float *weight, float mean, float inverse_deviation,
                                   size_t count) {
  float sum = 0, inner = 0;
  {
    VECTOR_SUMS
    for (size_t i = 0; i < count; i++) {
      float scaled = dy[i] * weight[i];
      sum += scaled;
      inner += scaled * ((x[i] - mean) * inverse_deviation);
    }
  }
  float center = sum / (float)count, shared = inner / (float)count;
  for (size_t i = 0; i < count; i++) {
    // Rounded before the center is taken off, as the center's own terms were: a row without variation, whose
    // inverse deviation is large, must not see the difference.
    float scaled = dy[i] * weight[i], normal = (x[i] - mean) * inverse_deviation;
    dx[i] += inverse_deviation * (scaled - center - normal * shared);
  }
  if (dweight)
    for (size_t i = 0; i < count; i++) dweight[i] += dy[i] * ((x[i] - mean) * inverse_deviation);
  if (dbias)
    for (size_t i = 0; i < count; i++) dbias[i] += dy[i];
}
