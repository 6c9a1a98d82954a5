// Local aggregation and its derivatives: random calls on the emulated machines against the
// definition.
#include "local_aggregation_calls.h"
#include "local_aggregation_gpu.h"

namespace emulation {
namespace local_aggregation {
namespace {

template <class Block, int kThreads, class T>
void Start(const Params& p, const T* a, const T* b, T* result, Random* random) {
  RunBlocks(random, Blocks(p), kThreads, 1, 0, [&](int block, int, int thread, float*) {
    Block::Run(p, a, b, result, Locate(p, block), thread);
  });
}

template <class T, int N, int kThreads>
void LaunchLanes(Kind kind, Params* p, const T* a, const T* b, T* result, Random* random) {
  SetGpuTiles<kThreads>(kind == kValues, N, p);
  if (kind == kOutput) return Start<OutputBlock<T, N>, kThreads>(*p, a, b, result, random);
  if (kind == kWeights) return Start<WeightsBlock<T, N>, kThreads>(*p, a, b, result, random);
  Start<ValuesBlock<T, N>, kThreads>(*p, a, b, result, random);
}

template <class T, int kThreads>
void CheckGpu(const AggregationSizes& z, Kind kind, Random* random) {
  // Aligned to 64 bits, though not to more, or to nothing.
  const int skew = random->Chance(0.7) ? kGpuLanes<T> : 1;
  Operands<T> operands(z, skew, random);
  Params& p = operands.p;
  const Buffer<T>&a = operands.First(kind), &b = operands.Second(kind);
  Buffer<T> result(ResultSize(z, kind), skew);
  Launch launch(true);
  launch.Touch("first", a, kRead).Touch("second", b, kRead).Touch("result", result, kWritten);
  if (z.maps % kGpuLanes<T> == 0 && skew != 1)
    LaunchLanes<T, kGpuLanes<T>, kThreads>(kind, &p, a.data(), b.data(), result.data(), random);
  else
    LaunchLanes<T, 1, kThreads>(kind, &p, a.data(), b.data(), result.data(), random);
  launch.Finish();
  CheckResult(z, kind, operands, result);
}

void CheckCall(const AggregationSizes& z, Kind kind, const std::string& name, Random* random,
               Digest* digest) {
  ForTypes(name + " " + kNames[kind] + " " + Describe(z), [&](auto type) {
    using T = decltype(type);
    CheckCpu<T>(z, kind, random, digest);
    if constexpr (!std::is_same<T, double>::value) {
      checking::context += " gpu";
      CheckGpu<T, 256>(z, kind, random);
      if constexpr (kAllThreads && std::is_same<T, float>::value) {
        checking::context += " 32 threads";
        CheckGpu<T, 32>(z, kind, random);
      }
    }
  });
}

}  // namespace
}  // namespace local_aggregation

void LocalAggregationDifferential(int64_t count, uint64_t seed) {
  using namespace local_aggregation;
  Digest digest;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    const AggregationSizes z = RandomSizes(&random);
    for (const Kind kind : {kOutput, kWeights, kValues})
      CheckCall(z, kind, "local_aggregation seed " + std::to_string(seed + i), &random, &digest);
  }
  Report("local_aggregation", count, digest);
}

}  // namespace emulation
