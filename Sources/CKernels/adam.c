#include "kernels.h"

KERNEL void ck_adam(float *restrict parameters, float *restrict first_moments, float *restrict second_moments,
                    const float *restrict gradients, size_t count, ck_adam_step step) {
  // Ranks on different processors, and a run that goes on on another, must reach the same bits: nothing is fused.
#pragma clang fp contract(off)
  const float rest1 = 1.0f - step.beta1, rest2 = 1.0f - step.beta2;
  for (size_t i = 0; i < count; i++) {
    float gradient = gradients[i];
    float first = step.beta1 * first_moments[i] + rest1 * gradient;
    float second = step.beta2 * second_moments[i] + rest2 * gradient * gradient;
    // sqrtf may set errno, and a loop that calls it is not vectorised; this rounds as exactly.
    float deviation = __builtin_elementwise_sqrt(second / step.correction2) + step.epsilon;
    float direction = first / step.correction1 / deviation + step.weight_decay * parameters[i];
    parameters[i] -= step.learning_rate * direction;
    first_moments[i] = first;
    second_moments[i] = second;
  }
}
