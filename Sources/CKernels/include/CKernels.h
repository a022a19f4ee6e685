// The few hot vector loops. Everything else is Swift (docs/architecture.md says why these are not).
//
// All matrices are row-major float32. A `stride` is the distance, in elements, between the starts of two rows.
// No function allocates, none keeps state, none checks its arguments: the callers do.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __clang__
#pragma clang assume_nonnull begin
#endif

// y += scale * x
void ck_add_scaled(float *y, const float *x, float scale, size_t count);
// y += scale * a * b
void ck_add_scaled_products(float *y, const float *a, const float *b, float scale, size_t count);
// sums[j] += sum over rows of x[i][j]
void ck_add_column_sums(float *sums, const float *x, size_t rows, size_t columns, size_t stride);
// x[i][j] *= factors[j / width]
void ck_scale_units(float *x, const float *factors, size_t rows, size_t columns, size_t stride, size_t width);
// sums[j / width] += sum over rows of x[i][j] * dy[i][j]
void ck_add_unit_products(double *sums, const float *x, const float *dy, size_t rows, size_t columns, size_t x_stride,
                          size_t dy_stride, size_t width);

// y = x / rms(x) * weight for one row; returns 1 / rms.
float ck_rms_norm(float *y, const float *x, const float *weight, float epsilon, size_t count);
// The backward pass of one row: dx += …
void ck_rms_norm_backward(float *dx, const float *dy, const float *x, const float *weight, float inverse_rms,
                          size_t count);

// y = (x - mean) / deviation * weight + bias for one row, with deviation = sqrt(variance + epsilon); null is no bias.
// Writes the mean and returns 1 / deviation. Sums in double precision: no row of floats overflows them.
float ck_layer_norm(float *y, float *mean, const float *x, const float *weight, const float *_Nullable bias,
                    float epsilon, size_t count);
// The backward pass of one row: dx += …; dweight += dy * (x - mean) / deviation and dbias += dy, unless null.
void ck_layer_norm_backward(float *dx, float *_Nullable dweight, float *_Nullable dbias, const float *dy,
                            const float *x, const float *weight, float mean, float inverse_deviation, size_t count);

// Rotates the pairs (x[i], x[i + half]) of one head by the angles whose cosines and sines are given;
// `direction` is +1 forward, -1 for the transpose (the backward pass).
void ck_rotate(float *x, const float *cosine, const float *sine, float direction, size_t half);

// One tile of attention: s [rows, columns] and output [rows, width], dense. In row i the columns from `first + i` up to
// `end + i` are seen (as far as there are such). Turns their scores into exp(scale * (s - maximum)), the rest into zeros,
// with the largest score of this and all tiles before; folds their sum into `sums`, and brings sums and the rows of
// `output`, unless null, to the new maximum. Before the first tile maxima are -INFINITY.
void ck_softmax_fold(float *s, float *maxima, float *sums, float *_Nullable output, size_t rows, size_t columns,
                     size_t width, ptrdiff_t first, ptrdiff_t end, float scale);
// After the last tile: output = weighted [rows, width] / sums, and the log of each row's sum of exponentials.
void ck_softmax_finish(float *output, float *log_sum_exp, const float *weighted, const float *maxima, const float *sums,
                       size_t rows, size_t width, size_t output_stride, size_t log_sum_exp_stride, float scale);
// The backward pass of a tile, both dense: scores s become p = exp(scale * s - log_sum_exp[i]), and dp, the gradient of
// p, becomes that of the scores' products, p * (dp - delta[i]) * scale; zeros for what is not seen.
void ck_softmax_backward(float *s, float *dp, const float *log_sum_exp, const float *delta, size_t rows, size_t columns,
                         ptrdiff_t first, ptrdiff_t end, float scale);
// The inner product of two vectors.
float ck_dot(const float *x, const float *y, size_t count);

// y = silu(gate) * up; silu within 3 ulp where e^-|gate| is a normal float, that is for gate >= -87.
void ck_swiglu(float *y, const float *gate, const float *up, size_t count);
void ck_swiglu_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up, size_t count);

// y = x * Phi(x), Phi being the distribution function of the standard normal: GELU by erf, and
// y = x / (1 + exp(-2 u)), u = sqrt(2 / pi) * (x + 0.044715 x^3): GELU by tanh.
// Neither erf nor tanh is computed: 1 + erf and 1 + tanh cancel in the negative tail. In double precision inside, so
// that y is within 0.51 ulp of the formula for every finite x, also where y is subnormal.
void ck_gelu(float *y, const float *x, size_t count);
void ck_gelu_tanh(float *y, const float *x, size_t count);
// dx = dy * dGELU/dx, within 0.51 ulp, but for x in -0.8 ... -0.7, where the derivative has its root and dx is within
// 1e-9 * |dy|.
void ck_gelu_backward(float *dx, const float *dy, const float *x, size_t count);
void ck_gelu_tanh_backward(float *dx, const float *dy, const float *x, size_t count);

// Folds one row of logits into a running maximum and a running sum of exp(logit - maximum).
void ck_accumulate_exponentials(const float *logits, size_t count, float *maximum, float *sum);
// logits = exp(logits - log_sum_exp) * scale
void ck_softmax_gradient(float *logits, size_t count, float log_sum_exp, float scale);
// logits = (exp(logits - log_sum_exp) - exp(teacher - teacher_log_sum_exp)) * scale; returns this part of
// KL(teacher || student), the sum of exp(teacher - …) * ((teacher - …) - (logits - …)).
float ck_divergence_gradient(float *logits, const float *teacher, size_t count, float log_sum_exp,
                             float teacher_log_sum_exp, float scale);
// Per column, the largest value so far and the row that held it (the first of equals).
void ck_column_maxima(float *maxima, int32_t *arguments, const float *row, int32_t row_index, size_t count);

// The sum of |g * w|; with g null, of |w|.
float ck_absolute_product_sum(const float *_Nullable g, const float *w, size_t count);
// sums[j] += |g[j] * w[j]|; with g null, |w[j]|.
void ck_add_absolute_products(float *sums, const float *_Nullable g, const float *w, size_t count);

// What an Adam step is made with: its settings, and 1 - beta^t of each mean.
typedef struct {
  float learning_rate, beta1, beta2, epsilon, weight_decay, correction1, correction2;
} ck_adam_step;
// One step of Adam with decoupled weight decay. The same bits on every processor.
void ck_adam(float *parameters, float *first_moments, float *second_moments, const float *gradients, size_t count,
             ck_adam_step step);

// Conversions between float32 and the 16-bit types, little-endian, whose bytes need no alignment. Widening is exact.
// Rounding is to nearest, ties to even: too large becomes infinite, NaN stays NaN. The same bits on every processor.
void ck_widen_bfloat16(float *y, const void *x, size_t count);
void ck_widen_float16(float *y, const void *x, size_t count);
void ck_round_bfloat16(void *y, const float *x, size_t count);
void ck_round_float16(void *y, const float *x, size_t count);
// The index of the first of `count` numbers that is infinite or NaN; `count` when there is none. By their bits, of bytes
// that need no alignment.
size_t ck_first_not_finite_float32(const void *x, size_t count);
size_t ck_first_not_finite_bfloat16(const void *x, size_t count);
size_t ck_first_not_finite_float16(const void *x, size_t count);

// Codecs of gradients on the wire (Communication). Bytes need no alignment.
// The index of the first value that is infinite or NaN; `count` when there is none.
size_t ck_first_not_finite(const float *x, size_t count);
// Byte planes: first every value's highest byte, then every value's next one, and so on; 4 * count bytes.
void ck_split_float32(uint8_t *planes, const float *x, size_t count);
void ck_join_float32(float *x, const uint8_t *planes, size_t count);
// The same of the values rounded to bfloat16, ties to even; what would round to infinity becomes the greatest finite
// value. 2 * count bytes.
void ck_split_bfloat16(uint8_t *planes, const float *x, size_t count);
void ck_join_bfloat16(float *x, const uint8_t *planes, size_t count);
// Whole numbers from -127 to 127 times a float32 scale per block of 256 values: max|x| / 127 of the block. Unless null,
// `errors`, which may be `x`, gets what the quantization lost. The same bits on every processor.
void ck_quantize_int8(uint8_t *scales, int8_t *codes, const float *x, float *_Nullable errors, size_t count);
void ck_dequantize_int8(float *x, const uint8_t *scales, const int8_t *codes, size_t count);
// Adds how often each byte stands in `bytes` to `counts[256]`.
void ck_count_bytes(uint64_t *counts, const uint8_t *bytes, size_t count);

#ifdef __clang__
#pragma clang assume_nonnull end
#endif
