// Convolution on a CPU: one engine for each instruction set, and what all of them are given.
// Free of TensorFlow.
#ifndef DUALCONTRAST_KERNELS_CONV2D_CPU_H_
#define DUALCONTRAST_KERNELS_CONV2D_CPU_H_

#include <cstdint>
#include <functional>
#include <string>

#include "conv2d_params.h"

namespace dualcontrast {
namespace conv2d {

// Calls make(begin, end) for ranges that together are [0, blocks), on as many threads as it likes;
// `cost` is in nanoseconds a block.
using Parallel = std::function<void(int64_t blocks, int64_t cost,
                                    const std::function<void(int64_t begin, int64_t end)>& make)>;

// Computes a pass of the two operands that it is not the derivative by: (x, kernel), (kernel, g) or
// (x, g). Blocks and the order of every sum are functions of the shapes alone, so that the number
// of threads changes no bit. Returns what went wrong, or nothing.
using Engine = std::string (*)(Pass pass, const Params& params, const float* first,
                               const float* second, float* result, const Parallel& parallel);

// Engines for instruction sets that this CPU may or may not have; null where they do not compile.
extern const Engine kAvx2, kAvx512, kNeon;

struct Choice {
  const char* name;
  Engine engine;  // Null: this CPU has no instruction set that there is an engine for.
};

// Returns the fastest engine that this CPU can run.
inline Choice Choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return {"avx512", kAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"avx2", kAvx2};
  return {"none", nullptr};
#else
  return {kNeon ? "neon" : "none", kNeon};
#endif
}

}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_CPU_H_
