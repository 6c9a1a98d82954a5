// Upsample, filter, downsample: the CUDA launches.
#include "cuda_launch.h"
#include "upfirdn2d_cuda.h"
#include "upfirdn2d_gpu.h"

namespace dualcontrast {
namespace upfirdn2d {
namespace {

template <class Block, class T>
__global__ void __launch_bounds__(kThreads, 4)
    Run(const __grid_constant__ Params p, const T* __restrict__ x, T* __restrict__ y) {
  extern __shared__ __align__(16) float cells[];
  const Where where = Locate(p, static_cast<int>(blockIdx.x));
  const Shared<float> mid{cells};
  for (int phase = 0; phase < Block::kPhases; ++phase) {
    if (phase > 0) __syncthreads();
    Block::Run(phase, p, x, y, where, mid, threadIdx.x);
  }
}

template <class Block, class T>
std::string Start(const Params& p, const T* x, T* y, void* stream) {
  const int64_t bytes = Block::kPhases > 1 ? MidCells(p) * sizeof(float) : 0;
  const int64_t blocks = Blocks(p);
  if (blocks < 0) return WrongBlocks(blocks);
  return LaunchBlocks(Run<Block, T>, blocks, bytes, stream, p, x, y);
}

// Whether every pixel's channels begin where an access of 128 bits may.
template <class T>
bool Aligned(const Params& p, const T* x, const T* y) {
  const auto misaligned = reinterpret_cast<uintptr_t>(x) | reinterpret_cast<uintptr_t>(y);
  return p.channels % kGpuLanes<T> == 0 && misaligned % 16 == 0;
}

template <class T, int N>
std::string LaunchLanes(Params* p, bool separable, const T* x, T* y, void* stream) {
  SetGpuTiles(N, p);
  if (!separable) return Start<DenseBlock<T, N, kThreads>>(*p, x, y, stream);
  if (Is(*p, 2, 1, 4)) return Start<SeparableBlock<T, N, 2, 1, 4, kThreads>>(*p, x, y, stream);
  if (Is(*p, 1, 2, 4)) return Start<SeparableBlock<T, N, 1, 2, 4, kThreads>>(*p, x, y, stream);
  if (Is(*p, 1, 1, 4)) return Start<SeparableBlock<T, N, 1, 1, 4, kThreads>>(*p, x, y, stream);
  return Start<SeparableBlock<T, N, 0, 0, 0, kThreads>>(*p, x, y, stream);
}

}  // namespace

template <class T>
std::string Launch(Params* params, bool separable, const T* x, T* y, void* stream) {
  return Aligned(*params, x, y) ? LaunchLanes<T, kGpuLanes<T>>(params, separable, x, y, stream)
                                : LaunchLanes<T, 1>(params, separable, x, y, stream);
}

template std::string Launch(Params*, bool, const float*, float*, void*);
template std::string Launch(Params*, bool, const Half*, Half*, void*);
template std::string Launch(Params*, bool, const BFloat16*, BFloat16*, void*);

}  // namespace upfirdn2d
}  // namespace dualcontrast
