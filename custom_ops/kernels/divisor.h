// Division by a number that only the call knows, as one multiplication: GPUs have no divider.
#ifndef DUALCONTRAST_KERNELS_DIVISOR_H_
#define DUALCONTRAST_KERNELS_DIVISOR_H_

#include "platform.h"

namespace dualcontrast {

// Granlund and Montgomery 1994, "Division by invariant integers using multiplication", figure 4.1.
// Exact for every dividend below 2^31.
struct Divisor {
  int value;
  uint32_t multiplier;
  int shift;

  Divisor() = default;
  // value: 1 to 2^31 - 1.
  explicit Divisor(int value) : value(value), shift(0) {
    while ((uint64_t{1} << shift) < static_cast<uint64_t>(value)) ++shift;
    const uint64_t excess = (uint64_t{1} << shift) - static_cast<uint64_t>(value);
    multiplier = static_cast<uint32_t>((excess << 32) / static_cast<uint64_t>(value) + 1);
  }

  // Returns dividend / value for a dividend of 0 to 2^31 - 1.
  DC_HD int Quotient(int dividend) const {
    const uint32_t n = static_cast<uint32_t>(dividend);
    const uint32_t high = static_cast<uint32_t>((static_cast<uint64_t>(multiplier) * n) >> 32);
    return static_cast<int>((high + n) >> shift);
  }
};

}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_DIVISOR_H_
