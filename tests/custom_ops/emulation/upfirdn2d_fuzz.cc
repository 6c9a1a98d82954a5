// Upsample, filter, downsample: any attributes and shapes end in an error text or in the
// definition's result.
#include "fuzz.h"
#include "upfirdn2d_calls.h"

namespace emulation {
namespace upfirdn2d {
namespace {

Call SmallCall(Random* random) {
  Call call{{random->Chance(0.1) ? 0 : random->Between(1, 2), random->Between(1, 6),
             random->Between(1, 6), random->Pick<int64_t>({0, 1, 1, 2, 3, 3, 5, 8, 9})},
            RandomAttributes(random)};
  if (random->Chance(0.2)) call.a.up[random->Between(0, 1)] = random->Between(5, kMaxFactor);
  if (random->Chance(0.2)) call.a.down[random->Between(0, 1)] = random->Between(5, kMaxFactor);
  return call;
}

void Corrupt(Random* random, Call* call) {
  Attributes& a = call->a;
  switch (random->Between(0, 6)) {
    case 0: return CorruptNumbers(random, &call->x, true);
    case 1: return CorruptNumbers(random, &a.up);
    case 2: return CorruptNumbers(random, &a.down);
    case 3: return CorruptNumbers(random, &a.padding);
    case 4: return CorruptNumbers(random, &a.filter_shape);
    case 5: return a.filter.resize(random->Between(0, 40));
    default: a.separable = !a.separable;
  }
}

// As the operation does where the sides of x are known, and as its shape function does before.
std::string Validate(const Call& call, Params* p) {
  std::string wrong = WrongAttributes(call.a);
  if (wrong.empty()) wrong = WrongShape(call.x);
  int64_t out;
  for (int axis = 0; axis < 2 && wrong.empty(); ++axis)
    wrong = OutputSide(call.a, axis, call.x[1 + axis], &out);
  if (!wrong.empty() || !AllKnown(call.x)) return wrong.empty() ? "unknown" : wrong;
  return SetParams(call.x, call.a, p);
}

}  // namespace
}  // namespace upfirdn2d

void Upfirdn2dFuzz(int64_t count, uint64_t seed) {
  using namespace upfirdn2d;
  Outcomes outcomes;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    Call call = SmallCall(&random);
    while (random.Chance(0.4)) Corrupt(&random, &call);
    checking::context = "fuzz upfirdn2d seed " + std::to_string(seed + i);
    Params p;
    const std::string wrong = Validate(call, &p);
    if (outcomes.Refused(wrong)) continue;
    const int64_t volume = VolumeOrHuge({p.batch, p.y.out, p.x.out, p.channels});
    if (outcomes.Skipped(volume, volume > 500)) {
      if (volume > 0 && volume < kHuge) {
        SetCpuTiles(&p);
        outcomes.Blocks(Blocks(p));
      }
      continue;
    }
    checking::context += " " + Describe(call);
    ForOneType(&random, [&](auto type) {
      CheckCpu<decltype(type)>(call, &random, &outcomes.digest);
    });
  }
  outcomes.Report("upfirdn2d");
}

}  // namespace emulation
