// Random calls of upfirdn2d, and how one runs on an emulated CPU against the definition.
#ifndef DUALCONTRAST_TESTS_UPFIRDN2D_CALLS_H_
#define DUALCONTRAST_TESTS_UPFIRDN2D_CALLS_H_

#include "emulation.h"
#include "harness.h"
#include "upfirdn2d_cpu.h"
#include "upfirdn2d_oracle.h"

namespace emulation {
namespace upfirdn2d {

using namespace dualcontrast::upfirdn2d;

struct Call {
  Sides x;
  Attributes a;
};

inline void RandomFilter(Random* random, Attributes* a) {
  const int64_t height = a->filter_shape[0], width = a->filter_shape[1];
  a->filter.resize(a->separable ? height + width : height * width);
  for (float& tap : a->filter) tap = static_cast<float>(2 * random->Uniform() - 1);
}

inline Attributes RandomAttributes(Random* random) {
  Attributes a;
  const int kind = static_cast<int>(random->Between(0, 5));
  a.separable = kind < 5;
  if (kind < 3) {
    // StyleGAN2's resamplings, which have kernels of their own.
    const int64_t up = kind == 0 ? 2 : 1, down = kind == 1 ? 2 : 1;
    a.up = {up, up};
    a.down = {down, down};
    a.filter_shape = {4, 4};
  } else {
    a.up = {random->Between(1, 4), random->Between(1, 4)};
    a.down = {random->Between(1, 4), random->Between(1, 4)};
    a.filter_shape = {random->Between(1, 6), random->Between(1, 6)};
    if (random->Chance(0.15)) a.filter_shape[random->Between(0, 1)] = kMaxTaps;
  }
  for (int i = 0; i < 4; ++i) a.padding.push_back(random->Between(-3, 5));
  RandomFilter(random, &a);
  return a;
}

inline Call RandomCall(Random* random) {
  while (true) {
    Call call{{random->Between(1, 3), random->Between(1, 20), random->Between(1, 20),
               random->Pick<int64_t>({1, 2, 3, 4, 7, 8, 9, 16, 24, 33, 64, 72, 130})},
              RandomAttributes(random)};
    // Beyond a tile of a CPU along either axis.
    if (random->Chance(0.2)) call.x[random->Between(1, 2)] = random->Between(33, 70);
    Params p;
    if (!SetParams(call.x, call.a, &p).empty()) continue;
    const int64_t work = p.batch * p.channels * p.y.out * p.x.out * p.y.taps * p.x.taps;
    if (work < 120000) return call;
  }
}

inline std::string Describe(const Call& call) {
  const Attributes& a = call.a;
  return "x " + Text(call.x) + " up " + Text(a.up) + " down " + Text(a.down) + " padding " +
         Text(a.padding) + " taps " + Text(a.filter_shape) + (a.separable ? " separable" : "");
}

// The operands and the definition's result of a call in one type.
template <class T>
struct Operands {
  Params p;
  Buffer<T> x;
  std::vector<double> expected, bound;

  Operands(const Call& call, int skew, Random* random) : x(Volume(call.x), skew) {
    const std::string wrong = SetParams(call.x, call.a, &p);
    if (!wrong.empty()) Fail(wrong);
    x.Fill(random, 1);
    expected = Upfirdn2dOracle(call.x, call.a, x.Doubles(), false);
    bound = Upfirdn2dOracle(call.x, call.a, x.Doubles(), true);
    const int terms = call.a.separable ? p.y.taps + p.x.taps : p.y.taps * p.x.taps;
    for (double& b : bound) b *= (terms + 2) * Number<Accumulator<T>>::kUnit;
  }
};

template <class T>
void CheckCpu(const Call& call, Random* random, Digest* digest) {
  Operands<T> operands(call, static_cast<int>(random->Between(0, 3)), random);
  Params& p = operands.p;
  Buffer<T> y(static_cast<int64_t>(operands.expected.size()));
  SetCpuTiles(&p);
  const auto make = ChooseCpu<T>(p, call.a.separable);
  Launch launch(false);
  launch.Touch("x", operands.x, kRead).Touch("y", y, kWritten);
  RunPieces(random, Blocks(p), [&](int64_t begin, int64_t end) {
    make(p, operands.x.data(), y.data(), begin, end);
  });
  launch.Finish();
  RequireNear("y", y.data(), operands.expected, operands.bound);
  digest->Add(y);
}

}  // namespace upfirdn2d
}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_UPFIRDN2D_CALLS_H_
