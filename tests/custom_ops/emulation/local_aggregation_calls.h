// Random calls of local aggregation and its derivatives, and how one runs on an emulated CPU
// against the definition.
#ifndef DUALCONTRAST_TESTS_LOCAL_AGGREGATION_CALLS_H_
#define DUALCONTRAST_TESTS_LOCAL_AGGREGATION_CALLS_H_

#include "emulation.h"
#include "harness.h"
#include "local_aggregation_cpu.h"
#include "local_aggregation_oracle.h"

namespace emulation {
namespace local_aggregation {

using namespace dualcontrast::local_aggregation;

enum Kind { kOutput, kWeights, kValues };
const char* const kNames[] = {"output", "weights", "values"};

inline AggregationSizes RandomSizes(Random* random) {
  AggregationSizes z;
  do {
    z = {random->Between(1, 2), random->Between(1, 6), random->Between(1, 20),
         random->Pick<int64_t>({1, 3, 5, 7}), random->Between(1, 40), random->Between(1, 17)};
    // Beyond a block of a GPU along maps.
    if (random->Chance(0.15)) z.maps = random->Between(60, 70);
  } while (z.Output() * z.window * z.window > 20000);
  return z;
}

inline std::string Describe(const AggregationSizes& z) {
  return "batch, height, width, window, maps, groups " +
         Text({z.batch, z.height, z.width, z.window, z.maps, z.groups});
}

inline void FillParams(const AggregationSizes& z, Params* p) {
  const std::string wrong =
      SetParams({z.batch, z.height, z.width, z.Channels()}, z.window, z.maps, p);
  if (!wrong.empty()) Fail(wrong);
}

// Weights, values and an output's gradient; of the three, two are operands.
template <class T>
struct Operands {
  Params p;
  Buffer<T> w, v, g;

  Operands(const AggregationSizes& z, int skew, Random* random)
      : w(z.Weights(), skew), v(z.Values(), skew), g(z.Output(), skew) {
    FillParams(z, &p);
    w.Fill(random, 1);
    v.Fill(random, 1);
    g.Fill(random, 1);
  }

  const Buffer<T>& First(Kind kind) const { return kind == kWeights ? g : w; }
  const Buffer<T>& Second(Kind kind) const { return kind == kValues ? g : v; }
};

template <class T>
void CheckResult(const AggregationSizes& z, Kind kind, const Operands<T>& operands,
                 const Buffer<T>& result) {
  const std::vector<double> w = operands.w.Doubles(), v = operands.v.Doubles(),
                            g = operands.g.Doubles();
  std::vector<double> expected(result.size()), bound(result.size());
  ForTerms(z, [&](int64_t weight, int64_t value, int64_t output) {
    const int64_t to = kind == kOutput ? output : kind == kWeights ? weight : value;
    const double term = kind == kOutput    ? w[weight] * v[value]
                        : kind == kWeights ? g[output] * v[value]
                                           : w[weight] * g[output];
    expected[to] += term;
    bound[to] += std::abs(term);
  });
  const double terms = kind == kWeights ? z.groups : z.window * z.window;
  for (double& b : bound) b *= (terms + 2) * Number<Accumulator<T>>::kUnit;
  RequireNear(kNames[kind], result.data(), expected, bound);
}

inline int64_t ResultSize(const AggregationSizes& z, Kind kind) {
  return kind == kOutput ? z.Output() : kind == kWeights ? z.Weights() : z.Values();
}

template <class T>
void MakeOnCpu(Kind kind, const Params& p, const T* a, const T* b, T* result, int64_t begin,
               int64_t end) {
  if (kind == kOutput) return MakeOutput<T>(p, a, b, result, begin, end);
  if (kind == kWeights) return ChooseWeights<T>(p.groups)(p, a, b, result, begin, end);
  MakeValues<T>(p, a, b, result, begin, end);
}

template <class T>
void CheckCpu(const AggregationSizes& z, Kind kind, Random* random, Digest* digest) {
  Operands<T> operands(z, static_cast<int>(random->Between(0, 3)), random);
  Params& p = operands.p;
  const Buffer<T>&a = operands.First(kind), &b = operands.Second(kind);
  Buffer<T> result(ResultSize(z, kind));
  SetCpuTiles(kind == kValues, &p);
  Launch launch(false);
  launch.Touch("first", a, kRead).Touch("second", b, kRead).Touch("result", result, kWritten);
  RunPieces(random, Blocks(p), [&](int64_t begin, int64_t end) {
    MakeOnCpu(kind, p, a.data(), b.data(), result.data(), begin, end);
  });
  launch.Finish();
  CheckResult(z, kind, operands, result);
  digest->Add(result);
}

}  // namespace local_aggregation
}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_LOCAL_AGGREGATION_CALLS_H_
