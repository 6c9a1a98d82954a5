// How many channels a CPU takes at once.
#ifndef DUALCONTRAST_KERNELS_CPU_LANES_H_
#define DUALCONTRAST_KERNELS_CPU_LANES_H_

#include <type_traits>

#include "platform.h"

namespace dualcontrast {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

// Channels in one vector of sums.
template <class T>
constexpr int kCpuLanes = kVectorBytes / sizeof(Accumulator<T>);

// Calls body(integral constant of lanes, first channel) for whole vectors, then for what is left.
template <class T, class Body>
DC_HD void ForLanes(int channels, const Body& body) {
  constexpr int kLanes = kCpuLanes<T>;
  int channel = 0;
  for (; channel + kLanes <= channels; channel += kLanes)
    body(std::integral_constant<int, kLanes>(), channel);
  for (; channel < channels; ++channel) body(std::integral_constant<int, 1>(), channel);
}

// Whether `count` results, `channels` beside each other, shall bypass the caches: when they exceed
// what any of them holds, and every vector begins where such a store may. Smaller ones are written
// faster that way too, but whoever reads them next pays for it.
template <class T>
bool Streams(const T* results, int64_t count, int channels) {
  constexpr int64_t kLargest = 32 << 20;
  constexpr int kBytes = kCpuLanes<T> * sizeof(T);
  return count * static_cast<int64_t>(sizeof(T)) > kLargest && channels % kCpuLanes<T> == 0 &&
         reinterpret_cast<uintptr_t>(results) % kBytes == 0;
}

}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CPU_LANES_H_
