#include "kernels.h"

// Where among `columns` columns the position lies that moves on by one with every row.
static inline size_t column_of(ptrdiff_t position, size_t row, size_t columns) {
  ptrdiff_t moved = position + (ptrdiff_t)row;
  return moved < 0 ? 0 : ((size_t)moved < columns ? (size_t)moved : columns);
}

KERNEL void ck_softmax_fold(float *s, float *maxima, float *sums, float *output, size_t rows, size_t columns,
                            size_t width, ptrdiff_t first, ptrdiff_t end, float scale) {
  for (size_t i = 0; i < rows; i++) {
    float *row = s + i * columns;
    size_t from = column_of(first, i, columns), to = column_of(end, i, columns);
    if (from >= to) {
      for (size_t j = 0; j < columns; j++) row[j] = 0;
      continue;
    }
    float maximum = largest(row + from, to - from), sum = 0;
    if (maximum < maxima[i]) maximum = maxima[i];
    for (size_t j = 0; j < from; j++) row[j] = 0;
    for (size_t j = from; j < to; j++) row[j] = exponential((row[j] - maximum) * scale);
    for (size_t j = to; j < columns; j++) row[j] = 0;
    {
      VECTOR_SUMS
      for (size_t j = from; j < to; j++) sum += row[j];
    }
    if (maxima[i] != -INFINITY) {
      float factor = exponential((maxima[i] - maximum) * scale);
      sum += sums[i] * factor;
      if (output && factor != 1.0f)
        for (size_t j = 0; j < width; j++) output[i * width + j] *= factor;
    }
    sums[i] = sum;
    maxima[i] = maximum;
  }
}

KERNEL void ck_softmax_finish(float *output, float *log_sum_exp, const float *weighted, const float *maxima,
                              const float *sums, size_t rows, size_t width, size_t output_stride,
                              size_t log_sum_exp_stride, float scale) {
  for (size_t i = 0; i < rows; i++) {
    float inverse = 1.0f / sums[i];
    for (size_t j = 0; j < width; j++) output[i * output_stride + j] = weighted[i * width + j] * inverse;
    log_sum_exp[i * log_sum_exp_stride] = maxima[i] * scale + logf(sums[i]);
  }
}

KERNEL void ck_softmax_backward(float *s, float *dp, const float *log_sum_exp, const float *delta, size_t rows,
                                size_t columns, ptrdiff_t first, ptrdiff_t end, float scale) {
  for (size_t i = 0; i < rows; i++) {
    float *p = s + i * columns, *d = dp + i * columns;
    size_t from = column_of(first, i, columns), to = column_of(end, i, columns);
    if (from > to) from = to;
    for (size_t j = 0; j < from; j++) p[j] = d[j] = 0;
    for (size_t j = from; j < to; j++) {
      p[j] = exponential(p[j] * scale - log_sum_exp[i]);
      d[j] = p[j] * (d[j] - delta[i]) * scale;
    }
    for (size_t j = to; j < columns; j++) p[j] = d[j] = 0;
  }
}

KERNEL void ck_accumulate_exponentials(const float *logits, size_t count, float *maximum, float *sum) {
  float top = largest(logits, count), total = 0;
  if (top < *maximum) top = *maximum;
  {
    VECTOR_SUMS
    for (size_t j = 0; j < count; j++) total += exponential(logits[j] - top);
  }
  *sum = *sum * (*maximum == -INFINITY ? 0.0f : expf(*maximum - top)) + total;
  *maximum = top;
}

KERNEL void ck_softmax_gradient(float *logits, size_t count, float log_sum_exp, float scale) {
  for (size_t j = 0; j < count; j++) logits[j] = exponential(logits[j] - log_sum_exp) * scale;
}

KERNEL float ck_divergence_gradient(float *logits, const float *teacher, size_t count, float log_sum_exp,
                                    float teacher_log_sum_exp, float scale) {
  float terms[256];
  double sum = 0;
  for (size_t start = 0; start < count; start += 256) {
    size_t length = count - start < 256 ? count - start : 256;
    float *row = logits + start;
    const float *taught = teacher + start;
    for (size_t j = 0; j < length; j++) {
      float own = row[j] - log_sum_exp, other = taught[j] - teacher_log_sum_exp;
      float probability = exponential(other);
      terms[j] = probability == 0.0f ? 0.0f : probability * (other - own);
      row[j] = (exponential(own) - probability) * scale;
    }
    float part = 0;
    {
      VECTOR_SUMS
      for (size_t j = 0; j < length; j++) part += terms[j];
    }
    sum += part;
  }
  return (float)sum;
}

KERNEL void ck_column_maxima(float *maxima, int32_t *arguments, const float *row, int32_t row_index, size_t count) {
  for (size_t j = 0; j < count; j++) {
    arguments[j] = row[j] > maxima[j] ? row_index : arguments[j];
    maxima[j] = row[j] > maxima[j] ? row[j] : maxima[j];
  }
}
