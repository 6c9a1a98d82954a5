// The launches of the .cu files as loops over blocks, phases and threads, so that the harness of
// gpu_check runs, and is seen to find faults, where there is no GPU.
//
// FAULT=idle in the environment: a thread of every block does nothing. FAULT=fickle: the same in
// every second launch only.
#define DC_SCALAR_LANES
#include <cstdlib>
#include <string>
#include <vector>

#include "bias_act_cuda.h"
#include "bias_act_gpu.h"
#include "local_aggregation_cuda.h"
#include "local_aggregation_gpu.h"
#include "upfirdn2d_cuda.h"
#include "upfirdn2d_gpu.h"

namespace dualcontrast {
namespace {

constexpr int kThreads = 256;

// Calls body(block, phase, thread) in an order that barriers allow.
template <class Body>
std::string ForThreads(int64_t blocks, int phases, const Body& body) {
  static const std::string fault = std::getenv("FAULT") ? std::getenv("FAULT") : "";
  static int launches = 0;
  ++launches;
  const bool idle = fault == "idle" || (fault == "fickle" && launches % 2);
  for (int64_t block = 0; block < blocks; ++block)
    for (int phase = 0; phase < phases; ++phase)
      for (int thread = idle ? 1 : 0; thread < kThreads; ++thread)
        body(static_cast<int>(block), phase, thread);
  return "";
}

}  // namespace

namespace upfirdn2d {

template <class Block, class T>
std::string Start(const Params& p, const T* x, T* y) {
  std::vector<float> cells(Block::kPhases > 1 ? MidCells(p) : 0);
  const Shared<float> mid{cells.data()};
  return ForThreads(Blocks(p), Block::kPhases, [&](int block, int phase, int thread) {
    Block::Run(phase, p, x, y, Locate(p, block), mid, thread);
  });
}

template <class T>
std::string Launch(Params* p, bool separable, const T* x, T* y, void*) {
  constexpr int N = 1;
  SetGpuTiles(N, p);
  if (!separable) return Start<DenseBlock<T, N, kThreads>>(*p, x, y);
  if (Is(*p, 2, 1, 4)) return Start<SeparableBlock<T, N, 2, 1, 4, kThreads>>(*p, x, y);
  if (Is(*p, 1, 2, 4)) return Start<SeparableBlock<T, N, 1, 2, 4, kThreads>>(*p, x, y);
  if (Is(*p, 1, 1, 4)) return Start<SeparableBlock<T, N, 1, 1, 4, kThreads>>(*p, x, y);
  return Start<SeparableBlock<T, N, 0, 0, 0, kThreads>>(*p, x, y);
}

template std::string Launch(Params*, bool, const float*, float*, void*);
template std::string Launch(Params*, bool, const Half*, Half*, void*);
template std::string Launch(Params*, bool, const BFloat16*, BFloat16*, void*);

}  // namespace upfirdn2d

namespace bias_act {

template <class T, bool kPieces>
std::string Forward(const Params& p, const T* x, const float* bias, const float* noise, T* y) {
  return ForThreads(Blocks(p), 1, [&](int block, int, int thread) {
    ForwardBlock<T, 1, kPieces, kThreads>::Run(p, x, bias, noise, y, Locate(p, block), thread);
  });
}

template <class T, bool kPieces>
std::string Backward(const Params& p, const T* g, const T* reference, const float* bias,
                     const float* noise, T* dx, float* over_rows, float* over_channels) {
  std::vector<float> cells(TileCells(p));
  const Shared<float> tile{cells.data()};
  return ForThreads(Blocks(p), 2, [&](int block, int phase, int thread) {
    BackwardBlock<T, 1, kPieces, kThreads>::Run(phase, p, g, reference, bias, noise, dx, over_rows,
                                                over_channels, Locate(p, block), tile, thread);
  });
}

template <class T>
std::string LaunchForward(Params* p, const T* x, const float* bias, const float* noise, T* y,
                          void*) {
  SetGpuTiles<T>(p);
  return p->activation == kPieces ? Forward<T, true>(*p, x, bias, noise, y)
                                  : Forward<T, false>(*p, x, bias, noise, y);
}

template <class T>
std::string LaunchBackward(const Params& p, const T* g, const T* reference, const float* bias,
                           const float* noise, T* dx, float* over_rows, float* over_channels,
                           void*) {
  return p.activation == kPieces
             ? Backward<T, true>(p, g, reference, bias, noise, dx, over_rows, over_channels)
             : Backward<T, false>(p, g, reference, bias, noise, dx, over_rows, over_channels);
}

std::string LaunchSum(int64_t count, int64_t columns, float* scratch, float* sums, void*) {
  Level level{count, columns};
  for (bool last = false; !last;) {
    last = level.count <= kGroup;
    float* to = last ? sums : scratch + level.count * columns;
    const SumLaunch launch(level.count, columns, kThreads);
    ForThreads(launch.blocks, 1, [&](int block, int, int thread) {
      SumBlock<kThreads>::Run(launch, scratch, to, block, thread);
    });
    level.count = Groups(level);
    scratch = to;
  }
  return "";
}

#define DC_INSTANTIATE(T)                                                                         \
  template std::string LaunchForward(Params*, const T*, const float*, const float*, T*, void*);   \
  template std::string LaunchBackward(const Params&, const T*, const T*, const float*,            \
                                      const float*, T*, float*, float*, void*)
DC_INSTANTIATE(float);
DC_INSTANTIATE(Half);
DC_INSTANTIATE(BFloat16);
#undef DC_INSTANTIATE

}  // namespace bias_act

namespace local_aggregation {

template <class Block, class T>
std::string Start(bool of_values, Params* p, const T* a, const T* b, T* result) {
  SetGpuTiles<kThreads>(of_values, 1, p);
  return ForThreads(Blocks(*p), 1, [&](int block, int, int thread) {
    Block::Run(*p, a, b, result, Locate(*p, block), thread);
  });
}

template <class T>
std::string LaunchOutput(Params* p, const T* w, const T* v, T* out, void*) {
  return Start<OutputBlock<T, 1>>(false, p, w, v, out);
}

template <class T>
std::string LaunchWeights(Params* p, const T* g, const T* v, T* dw, void*) {
  return Start<WeightsBlock<T, 1>>(false, p, g, v, dw);
}

template <class T>
std::string LaunchValues(Params* p, const T* w, const T* g, T* dv, void*) {
  return Start<ValuesBlock<T, 1>>(true, p, w, g, dv);
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
