// Local aggregation: the CUDA launches.
#include "cuda_launch.h"
#include "local_aggregation_cuda.h"
#include "local_aggregation_gpu.h"

namespace dualcontrast {
namespace local_aggregation {
namespace {

template <class Block, class T>
__global__ void __launch_bounds__(kThreads, 2)
    Run(const __grid_constant__ Params p, const T* __restrict__ a, const T* __restrict__ b,
        T* __restrict__ result) {
  Block::Run(p, a, b, result, Locate(p, static_cast<int>(blockIdx.x)), threadIdx.x);
}

template <class Block, class T>
std::string Start(bool of_values, int lanes, Params* p, const T* a, const T* b, T* result,
                  void* stream) {
  SetGpuTiles<kThreads>(of_values, lanes, p);
  const int64_t blocks = Blocks(*p);
  if (blocks < 0) return WrongBlocks(blocks);
  return LaunchBlocks(Run<Block, T>, blocks, 0, stream, *p, a, b, result);
}

// Whether every group of maps begins where an access of 64 bits may.
template <class T>
bool Aligned(const Params& p, const T* a, const T* b, const T* c) {
  const auto addresses = reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b) |
                         reinterpret_cast<uintptr_t>(c);
  return p.maps % kGpuLanes<T> == 0 && addresses % 8 == 0;
}

template <template <class, int> class Block, class T>
std::string LaunchAny(bool of_values, Params* p, const T* a, const T* b, T* result, void* stream) {
  constexpr int kLanes = kGpuLanes<T>;
  return Aligned(*p, a, b, result)
             ? Start<Block<T, kLanes>>(of_values, kLanes, p, a, b, result, stream)
             : Start<Block<T, 1>>(of_values, 1, p, a, b, result, stream);
}

}  // namespace

template <class T>
std::string LaunchOutput(Params* params, const T* w, const T* v, T* out, void* stream) {
  return LaunchAny<OutputBlock>(false, params, w, v, out, stream);
}

template <class T>
std::string LaunchWeights(Params* params, const T* g, const T* v, T* dw, void* stream) {
  return LaunchAny<WeightsBlock>(false, params, g, v, dw, stream);
}

template <class T>
std::string LaunchValues(Params* params, const T* w, const T* g, T* dv, void* stream) {
  return LaunchAny<ValuesBlock>(true, params, w, g, dv, stream);
}

#define DC_INSTANTIATE(T)                                                             \
  template std::string LaunchOutput(Params*, const T*, const T*, T*, void*);          \
  template std::string LaunchWeights(Params*, const T*, const T*, T*, void*);         \
  template std::string LaunchValues(Params*, const T*, const T*, T*, void*)
DC_INSTANTIATE(float);
DC_INSTANTIATE(Half);
DC_INSTANTIATE(BFloat16);

}  // namespace local_aggregation
}  // namespace dualcontrast
