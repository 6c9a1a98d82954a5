// Bias, noise and activation: the CUDA launches.
#include "bias_act_cuda.h"
#include "bias_act_gpu.h"
#include "cuda_launch.h"

namespace dualcontrast {
namespace bias_act {
namespace {

template <class Block, class T>
__global__ void __launch_bounds__(kThreads, 4)
    RunForward(const __grid_constant__ Params p, const T* x, const float* bias, const float* noise,
               T* y) {
  Block::Run(p, x, bias, noise, y, Locate(p, static_cast<int>(blockIdx.x)), threadIdx.x);
}

template <class Block, class T>
__global__ void __launch_bounds__(kThreads, 4)
    RunBackward(const __grid_constant__ Params p, const T* g, const T* reference,
                const float* bias, const float* noise, T* dx, float* over_rows,
                float* over_channels) {
  extern __shared__ __align__(16) float cells[];
  const Where where = Locate(p, static_cast<int>(blockIdx.x));
  const Shared<float> tile{cells};
  for (int phase = 0; phase < Block::kPhases; ++phase) {
    if (phase > 0) __syncthreads();
    Block::Run(phase, p, g, reference, bias, noise, dx, over_rows, over_channels, where, tile,
               threadIdx.x);
  }
}

__global__ void __launch_bounds__(kThreads, 4)
    RunSum(const SumLaunch launch, const float* parts, float* sums) {
  SumBlock<kThreads>::Run(launch, parts, sums, static_cast<int>(blockIdx.x), threadIdx.x);
}

// Calls start(integral constant of lanes, whether linear in pieces).
template <class T, class Start>
std::string ForVariant(const Params& p, uintptr_t addresses, const Start& start) {
  constexpr int kLanes = 16 / sizeof(T);
  const bool aligned = p.channels % kLanes == 0 && addresses % 16 == 0;
  const bool pieces = p.activation == kPieces;
  if (aligned)
    return pieces ? start(std::integral_constant<int, kLanes>(), std::true_type())
                  : start(std::integral_constant<int, kLanes>(), std::false_type());
  return pieces ? start(std::integral_constant<int, 1>(), std::true_type())
                : start(std::integral_constant<int, 1>(), std::false_type());
}

uintptr_t Address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace

template <class T>
void SetCudaTiles(Params* params) {
  SetGpuTiles<T>(params);
}

template <class T>
std::string LaunchForward(Params* params, const T* x, const float* bias, const float* noise, T* y,
                          void* stream) {
  SetGpuTiles<T>(params);
  const int64_t blocks = Blocks(*params);
  if (blocks < 0) return WrongBlocks(blocks);
  return ForVariant<T>(*params, Address(x) | Address(y) | Address(bias), [&](auto n, auto pieces) {
    using Block = ForwardBlock<T, n.value, pieces.value, kThreads>;
    return LaunchBlocks(RunForward<Block, T>, blocks, 0, stream, *params, x, bias, noise, y);
  });
}

template <class T>
std::string LaunchBackward(const Params& params, const T* g, const T* reference, const float* bias,
                           const float* noise, T* dx, float* over_rows, float* over_channels,
                           void* stream) {
  const int64_t bytes = over_rows || over_channels ? TileCells(params) * sizeof(float) : 0;
  const uintptr_t addresses = Address(g) | Address(reference) | Address(dx) | Address(bias);
  return ForVariant<T>(params, addresses, [&](auto n, auto pieces) {
    using Block = BackwardBlock<T, n.value, pieces.value, kThreads>;
    return LaunchBlocks(RunBackward<Block, T>, Blocks(params), bytes, stream, params, g, reference,
                        bias, noise, dx, over_rows, over_channels);
  });
}

std::string LaunchSum(int64_t count, int64_t columns, float* scratch, float* sums, void* stream) {
  Level level{count, columns};
  std::string wrong;
  for (bool last = false; !last && wrong.empty();) {
    last = level.count <= kGroup;
    float* to = last ? sums : scratch + level.count * columns;
    const SumLaunch launch(level.count, columns, kThreads);
    if (launch.blocks > kMaxBlocks) return WrongBlocks(-1);
    wrong = LaunchBlocks(RunSum, launch.blocks, 0, stream, launch, scratch, to);
    level.count = Groups(level);
    scratch = to;
  }
  return wrong;
}

#define DC_INSTANTIATE(T)                                                                         \
  template void SetCudaTiles<T>(Params*);                                                         \
  template std::string LaunchForward(Params*, const T*, const float*, const float*, T*, void*);   \
  template std::string LaunchBackward(const Params&, const T*, const T*, const float*,            \
                                      const float*, T*, float*, float*, void*)
DC_INSTANTIATE(float);
DC_INSTANTIATE(Half);
DC_INSTANTIATE(BFloat16);

}  // namespace bias_act
}  // namespace dualcontrast
