// Bias, noise and activation: random calls on the emulated machines against the definition.
#include "bias_act_calls.h"
#include "bias_act_gpu.h"

namespace emulation {
namespace bias_act {
namespace {

template <class T, int kThreads, int N>
struct Gpu {
  static constexpr bool kGpu = true;
  Random* random;

  void SetTiles(Params* p) const { SetGpuTiles<T>(p); }

  template <bool kPieces>
  void ForwardOf(const Params& p, const T* x, const float* bias, const float* noise, T* y) const {
    RunBlocks(random, Blocks(p), kThreads, 1, 0, [&](int block, int, int thread, float*) {
      ForwardBlock<T, N, kPieces, kThreads>::Run(p, x, bias, noise, y, Locate(p, block), thread);
    });
  }
  void Forward(const Params& p, const T* x, const float* bias, const float* noise, T* y) const {
    if (p.activation == kPieces)
      ForwardOf<true>(p, x, bias, noise, y);
    else
      ForwardOf<false>(p, x, bias, noise, y);
  }

  template <bool kPieces>
  void BackwardOf(const Params& p, const T* g, const T* reference, const float* bias,
                  const float* noise, T* dx, float* over_rows, float* over_channels) const {
    using Block = BackwardBlock<T, N, kPieces, kThreads>;
    const int64_t cells = over_rows || over_channels ? TileCells(p) : 0;
    RunBlocks(random, Blocks(p), kThreads, Block::kPhases, cells,
              [&](int block, int phase, int thread, float* shared) {
                Block::Run(phase, p, g, reference, bias, noise, dx, over_rows, over_channels,
                           Locate(p, block), {shared}, thread);
              });
  }
  void Backward(const Params& p, const T* g, const T* reference, const float* bias,
                const float* noise, T* dx, float* over_rows, float* over_channels) const {
    if (p.activation == kPieces)
      BackwardOf<true>(p, g, reference, bias, noise, dx, over_rows, over_channels);
    else
      BackwardOf<false>(p, g, reference, bias, noise, dx, over_rows, over_channels);
  }

  void Sum(int64_t count, int64_t columns, float* scratch, float* sums) const {
    Level level{count, columns};
    for (bool last = false; !last;) {
      last = level.count <= kGroup;
      float* to = last ? sums : scratch + level.count * columns;
      const SumLaunch launch(level.count, columns, kThreads);
      RunBlocks(random, launch.blocks, kThreads, 1, 0, [&](int block, int, int thread, float*) {
        SumBlock<kThreads>::Run(launch, scratch, to, block, thread);
      });
      level.count = Groups(level);
      scratch = to;
    }
  }
};

template <class T, int kThreads>
void CheckGpu(const Call& call, Random* random) {
  Digest unused;
  constexpr int kLanes = 16 / sizeof(T);
  if (call.channels % kLanes == 0 && random->Chance(0.8))
    Check<T>(call, kLanes, Gpu<T, kThreads, kLanes>{random}, &unused);
  else
    Check<T>(call, 1, Gpu<T, kThreads, 1>{random}, &unused);
}

void CheckCall(const Call& call, const std::string& name, Random* random, Digest* digest) {
  ForTypes(name + " " + Describe(call), [&](auto type) {
    using T = decltype(type);
    Check<T>(call, 1, Cpu<T>{random}, digest);
    if constexpr (!std::is_same<T, double>::value) {
      checking::context += " gpu";
      CheckGpu<T, 256>(call, random);
      if constexpr (kAllThreads && std::is_same<T, float>::value) {
        checking::context += " 32 threads";
        CheckGpu<T, 32>(call, random);
      }
    }
  });
}

// Sums around each whole level, on either machine, in scratch memory of exactly what they need.
template <class Machine>
void CheckSums(int64_t count, int64_t columns, const Machine& machine) {
  checking::context = "bias_act sums of " + Text({count, columns}) + (Machine::kGpu ? " gpu" : "");
  Buffer<float> scratch(ScratchCells(count, columns)), sums(columns);
  std::vector<double> expected(columns), bound(columns);
  Launch launch(Machine::kGpu);
  launch.Touch("scratch", scratch, kScratch).Touch("sums", sums, kWritten);
  for (int64_t i = 0; i < count * columns; ++i) {
    scratch.data()[i] = static_cast<float>(machine.random->Uniform());
    checking::GlobalWrite(scratch.data() + i, sizeof(float));
    expected[i % columns] += scratch.data()[i];
    bound[i % columns] += 400 * Number<float>::kUnit * scratch.data()[i];
  }
  machine.Sum(count, columns, scratch.data(), sums.data());
  launch.Finish();
  RequireNear("sums", sums.data(), expected, bound);
}

}  // namespace
}  // namespace bias_act

void BiasActDifferential(int64_t count, uint64_t seed) {
  using namespace bias_act;
  Digest digest;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    const Call call = RandomCall(&random);
    CheckCall(call, "bias_act seed " + std::to_string(seed + i), &random, &digest);
  }
  Random random(seed);
  for (const int64_t rows : {0, 1, 63, 64, 65, 4095, 4096, 4097})
    for (const int64_t columns : {1, 9, 257}) {
      if (rows * columns > 100000) continue;
      CheckSums(rows, columns, Cpu<float>{&random});
      CheckSums(rows, columns, Gpu<float, 256, 1>{&random});
    }
  CheckSums(64 * 4096 + 1, 1, Cpu<float>{&random});
  CheckSums(64 * 4096 + 1, 1, Gpu<float, 256, 1>{&random});
  Report("bias_act", count, digest);
}

}  // namespace emulation
