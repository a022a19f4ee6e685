#include "kernels.h"

static inline size_t valid_columns(size_t row, size_t columns, size_t first_valid, int causal) {
  size_t valid = causal ? first_valid + row : columns;
  return valid < columns ? valid : columns;
}

KERNEL void ck_softmax(float *s, float *log_sum_exp, size_t rows, size_t columns, size_t stride, size_t first_valid,
                       int causal, float scale, size_t log_sum_exp_stride) {
  for (size_t i = 0; i < rows; i++) {
    float *row = s + i * stride;
    size_t valid = valid_columns(i, columns, first_valid, causal);
    float maximum = largest(row, valid), sum = 0;
    for (size_t j = 0; j < valid; j++) row[j] = exponential((row[j] - maximum) * scale);
    {
      VECTOR_SUMS
      for (size_t j = 0; j < valid; j++) sum += row[j];
    }
    float inverse = 1.0f / sum;
    for (size_t j = 0; j < valid; j++) row[j] *= inverse;
    for (size_t j = valid; j < columns; j++) row[j] = 0;
    log_sum_exp[i * log_sum_exp_stride] = maximum * scale + logf(sum);
  }
}

KERNEL void ck_softmax_again(float *s, const float *log_sum_exp, size_t rows, size_t columns, size_t stride,
                             size_t first_valid, int causal, float scale, size_t log_sum_exp_stride) {
  for (size_t i = 0; i < rows; i++) {
    float *row = s + i * stride;
    size_t valid = valid_columns(i, columns, first_valid, causal);
    float logarithm = log_sum_exp[i * log_sum_exp_stride];
    for (size_t j = 0; j < valid; j++) row[j] = exponential(row[j] * scale - logarithm);
    for (size_t j = valid; j < columns; j++) row[j] = 0;
  }
}

KERNEL void ck_softmax_backward(float *dp, const float *p, const float *delta, size_t rows, size_t columns,
                                size_t stride, float scale) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      dp[i * stride + j] = p[i * stride + j] * (dp[i * stride + j] - delta[i]) * scale;
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
