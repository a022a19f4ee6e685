#include "kernels.h"

KERNEL void ck_add_scaled(float *y, const float *x, float scale, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += scale * x[i];
}

KERNEL void ck_add_scaled_products(float *y, const float *a, const float *b, float scale, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += scale * a[i] * b[i];
}

KERNEL void ck_add_column_sums(float *sums, const float *x, size_t rows, size_t columns, size_t stride) {
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * stride;
    for (size_t j = 0; j < columns; j++) sums[j] += row[j];
  }
}

KERNEL void ck_scale_units(float *x, const float *factors, size_t rows, size_t columns, size_t stride, size_t width) {
  for (size_t i = 0; i < rows; i++) {
    float *row = x + i * stride;
    if (width == 1) {
      for (size_t j = 0; j < columns; j++) row[j] *= factors[j];
    } else {
      for (size_t u = 0; u < columns / width; u++)
        for (size_t j = 0; j < width; j++) row[u * width + j] *= factors[u];
    }
  }
}

KERNEL void ck_add_unit_products(double *sums, const float *x, const float *dy, size_t rows, size_t columns,
                                 size_t x_stride, size_t dy_stride, size_t width) {
  for (size_t i = 0; i < rows; i++) {
    const float *a = x + i * x_stride, *b = dy + i * dy_stride;
    if (width == 1) {
      for (size_t j = 0; j < columns; j++) sums[j] += (double)a[j] * (double)b[j];
    } else {
      for (size_t u = 0; u < columns / width; u++) {
        VECTOR_SUMS
        double sum = 0;
        for (size_t j = u * width; j < (u + 1) * width; j++) sum += (double)a[j] * (double)b[j];
        sums[u] += sum;
      }
    }
  }
}

KERNEL float ck_dot(const float *x, const float *y, size_t count) {
  VECTOR_SUMS
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i] * y[i];
  return sum;
}

KERNEL void ck_swiglu(float *y, const float *gate, const float *up, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
}

KERNEL void ck_swiglu_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up,
                               size_t count) {
  for (size_t i = 0; i < count; i++) {
    float sigmoid = 1.0f / (1.0f + exponential(-gate[i]));
    float silu = gate[i] * sigmoid;
    dup[i] = dy[i] * silu;
    dgate[i] = dy[i] * up[i] * (sigmoid + silu * (1.0f - sigmoid));
  }
}

KERNEL void ck_rotate(float *x, const float *cosine, const float *sine, float direction, size_t half) {
  for (size_t i = 0; i < half; i++) {
    float a = x[i], b = x[i + half], s = sine[i] * direction;
    x[i] = a * cosine[i] - b * s;
    x[i + half] = b * cosine[i] + a * s;
  }
}
