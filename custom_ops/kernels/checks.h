// What every operation checks, and how it says what was wrong. Free of TensorFlow and CUDA.
#ifndef DUALCONTRAST_KERNELS_CHECKS_H_
#define DUALCONTRAST_KERNELS_CHECKS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace dualcontrast {

inline std::string Text(const std::vector<int64_t>& numbers) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i) text += (i ? "," : "") + std::to_string(numbers[i]);
  return text + "]";
}

// Blocks are counted in 32 bits, which is how many a GPU can launch.
constexpr int64_t kMaxBlocks = 2147483647;

// Returns the product of the factors, or -1 where it exceeds kMaxBlocks.
inline int64_t CountBlocks(int64_t blocks, std::initializer_list<int> factors) {
  for (const int factor : factors)
    if (__builtin_mul_overflow(blocks, int64_t{factor}, &blocks)) return -1;
  return blocks <= kMaxBlocks ? blocks : -1;
}

inline std::string WrongBlocks(int64_t blocks) {
  return blocks < 0 ? "tensors must be of at most 2147483647 tiles, got more" : "";
}

}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CHECKS_H_
