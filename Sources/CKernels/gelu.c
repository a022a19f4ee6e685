#include "kernels.h"

// Double precision throughout: it costs half the lanes, and needs neither compensated sums nor fused multiply-adds,
// which are calls into libm on processors without them.

// e^x for |x| <= 700, within 4e-11 of it: reduction by ln 2, minimax polynomial of degree 7 on |r| <= ln 2 / 2.
static inline double exponential_of_double(double x) {
  const double shifter = 6755399441055744.0; // 1.5 * 2^52: adding it leaves the nearest integer in the lowest bits
  double shifted = x * 1.4426950408889634 + shifter;
  double r = x - (shifted - shifter) * 0.6931471805599453;
  double p = 1.9775171026951966e-4;
  p = p * r + 1.3948183740041826e-3;
  p = p * r + 8.333561093569008e-3;
  p = p * r + 4.166622541936719e-2;
  p = p * r + 1.6666665126105012e-1;
  p = p * r + 5.000000104538398e-1;
  p = p * r + 1.0000000002431029;
  p = p * r + 9.999999999616813e-1;
  union {
    double value;
    uint64_t bits;
  } scaled = {p}, power = {shifted};
  scaled.bits += power.bits << 52;
  return scaled.value;
}

static inline double at_most(double x, double bound) { return x > bound ? bound : x; }
static inline double at_least(double x, double bound) { return x < bound ? bound : x; }

// Beyond it GELU is 0 or x, and its slope 0 or 1, to the last bit of a float.
static const double end = 37.0;

typedef struct {
  double value, slope;
} curve;

// The normal distribution function and its slope, the density, for |x| <= end. Phi(-t) e^(t²/2) for t in 0 ..< 14.6,
// beyond which x * Phi(x) is less than any float, is a ratio of polynomials within 9e-11, by weighted least squares until
// the error is level; all coefficients are positive, so nothing cancels.
static inline curve normal_distribution(double x) {
  double t = fabs(x);
  double p = 8.890967599895901e-4;
  p = p * t + 1.163907239107644e-2;
  p = p * t + 7.128994251756612e-2;
  p = p * t + 2.5052754813783545e-1;
  p = p * t + 5.074865789446311e-1;
  p = p * t + 4.9999999995823363e-1;
  double q = 2.2286378507950376e-3;
  q = q * t + 2.9174641428903903e-2;
  q = q * t + 1.809316060451896e-1;
  q = q * t + 6.570548141701259e-1;
  q = q * t + 1.4475063978744023;
  q = q * t + 1.8128577106860384;
  q = q * t + 1.0;
  double power = exponential_of_double(-0.5 * t * t);
  double tail = power * p / q;
  return (curve){x < 0 ? tail : 1.0 - tail, power * 0.3989422804014327};
}

// 1 / (1 + exp(-2 u)) = (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x³), and its slope with respect to x.
static inline curve tanh_approximation(double x) {
  const double linear = 1.5957691216057308, cubic = 0.07135481627260025;
  double exponent = x * (linear + cubic * x * x);
  double value = 1.0 / (1.0 + exponential_of_double(at_least(at_most(-exponent, 700.0), -700.0)));
  return (curve){value, value * (1.0 - value) * (linear + 3.0 * cubic * x * x)};
}

KERNEL void ck_gelu(float *y, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double z = at_least(x[i], -end);
    y[i] = (float)(z * normal_distribution(at_most(z, end)).value);
  }
}

KERNEL void ck_gelu_tanh(float *y, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double z = at_least(x[i], -end);
    y[i] = (float)(z * tanh_approximation(at_most(z, end)).value);
  }
}

KERNEL void ck_gelu_backward(float *dx, const float *dy, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double z = at_most(at_least(x[i], -end), end);
    curve normal = normal_distribution(z);
    dx[i] = (float)(dy[i] * (normal.value + z * normal.slope));
  }
}

KERNEL void ck_gelu_tanh_backward(float *dx, const float *dy, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double z = at_most(at_least(x[i], -end), end);
    curve approximation = tanh_approximation(z);
    dx[i] = (float)(dy[i] * (approximation.value + z * approximation.slope));
  }
}
