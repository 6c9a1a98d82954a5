// Upsample, filter, downsample: random calls on the emulated machines against the definition.
#include "upfirdn2d_calls.h"
#include "upfirdn2d_gpu.h"

namespace emulation {
namespace upfirdn2d {
namespace {

template <class Block, int kThreads, class T>
void Start(const Params& p, const T* x, T* y, Random* random) {
  const int64_t cells = Block::kPhases > 1 ? MidCells(p) : 0;
  RunBlocks(random, Blocks(p), kThreads, Block::kPhases, cells,
            [&](int block, int phase, int thread, float* shared) {
              Block::Run(phase, p, x, y, Locate(p, block), {shared}, thread);
            });
}

template <int kThreads, class T, int N>
void LaunchLanes(Params* p, bool separable, const T* x, T* y, Random* random) {
  SetGpuTiles(N, p);
  if (!separable) return Start<DenseBlock<T, N, kThreads>, kThreads>(*p, x, y, random);
  if (Is(*p, 2, 1, 4))
    return Start<SeparableBlock<T, N, 2, 1, 4, kThreads>, kThreads>(*p, x, y, random);
  if (Is(*p, 1, 2, 4))
    return Start<SeparableBlock<T, N, 1, 2, 4, kThreads>, kThreads>(*p, x, y, random);
  if (Is(*p, 1, 1, 4))
    return Start<SeparableBlock<T, N, 1, 1, 4, kThreads>, kThreads>(*p, x, y, random);
  Start<SeparableBlock<T, N, 0, 0, 0, kThreads>, kThreads>(*p, x, y, random);
}

template <class T, int kThreads>
void CheckGpu(const Call& call, Random* random) {
  // Aligned to 128 bits, though not to more, or to nothing.
  const int skew = random->Chance(0.7) ? kGpuLanes<T> : 1;
  Operands<T> operands(call, skew, random);
  Params& p = operands.p;
  Buffer<T> y(static_cast<int64_t>(operands.expected.size()));
  Launch launch(true);
  launch.Touch("x", operands.x, kRead).Touch("y", y, kWritten);
  if (p.channels % kGpuLanes<T> == 0 && skew != 1)
    LaunchLanes<kThreads, T, kGpuLanes<T>>(&p, call.a.separable, operands.x.data(), y.data(),
                                           random);
  else
    LaunchLanes<kThreads, T, 1>(&p, call.a.separable, operands.x.data(), y.data(), random);
  launch.Finish();
  RequireNear("y", y.data(), operands.expected, operands.bound);
}

void CheckCall(const Call& call, const std::string& name, Random* random, Digest* digest) {
  ForTypes(name + " " + Describe(call), [&](auto type) {
    using T = decltype(type);
    CheckCpu<T>(call, random, digest);
    if constexpr (!std::is_same<T, double>::value) {
      checking::context += " gpu";
      CheckGpu<T, 256>(call, random);
      if constexpr (kAllThreads && std::is_same<T, float>::value) {
        checking::context += " 64 threads";
        CheckGpu<T, 64>(call, random);
      }
    }
  });
}

// Sides around those of a tile, where the last block has one row or column, or all.
void CheckEdges(Digest* digest, uint64_t seed) {
  Random random(seed);
  for (const int64_t side : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33})
    for (const int64_t channels : {31, 32, 33}) {
      Call call{{1, side, 34 - side, channels}, RandomAttributes(&random)};
      call.a.up = call.a.down = {1, 1};
      call.a.separable = random.Chance(0.7);
      call.a.filter_shape = random.Chance(0.5) ? Sides{4, 4} : Sides{3, 2};
      call.a.padding = {call.a.filter_shape[0] - 1, 0, 0, call.a.filter_shape[1] - 1};
      RandomFilter(&random, &call.a);
      CheckCall(call, "upfirdn2d edges", &random, digest);
    }
}

}  // namespace
}  // namespace upfirdn2d

void Upfirdn2dDifferential(int64_t count, uint64_t seed) {
  using namespace upfirdn2d;
  Digest digest;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    const Call call = RandomCall(&random);
    CheckCall(call, "upfirdn2d seed " + std::to_string(seed + i), &random, &digest);
  }
  if (count > 1) CheckEdges(&digest, seed);
  Report("upfirdn2d", count, digest);
}

}  // namespace emulation
