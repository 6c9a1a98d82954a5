// Bias, noise and activation: any attributes and shapes end in an error text or in the definition's
// result.
#include "bias_act_calls.h"
#include "fuzz.h"

namespace emulation {
namespace bias_act {
namespace {

struct Shapes {
  Sides x, bias, noise;
};

Call SmallCall(Random* random) {
  Call call = RandomCall(random);
  call.rows = random->Between(0, 9);
  call.channels = random->Pick<int64_t>({0, 1, 2, 3, 7, 8, 9});
  call.noise_rows = random->Chance(0.5) ? call.rows : random->Between(0, 3);
  if (!IsPieces(call.a.activation)) call.a.order = random->Between(0, kMaxOrder);
  return call;
}

float OddFloat(Random* random) {
  return random->Pick({0.f, -0.f, -1.f, 1.0000001f, -1e-45f, INFINITY, -INFINITY, NAN});
}

void Corrupt(Random* random, Attributes* a, Shapes* shapes) {
  switch (random->Between(0, 7)) {
    case 0: return CorruptNumbers(random, &shapes->x, true);
    case 1: return CorruptNumbers(random, &shapes->bias, true);
    case 2: return CorruptNumbers(random, &shapes->noise, true);
    case 3: a->slope = OddFloat(random); break;
    case 4: a->gain = OddFloat(random); break;
    case 5: a->clamp = OddFloat(random); break;
    case 6: a->order = OddNumber(random); break;
    default: a->activation = random->Chance(0.5) ? "" : "elu";
  }
}

// As the operations do where all sides are known, and as their shape functions do before.
std::string Validate(const Attributes& a, const Shapes& shapes, Params* p) {
  std::string wrong = WrongAttributes(a);
  if (wrong.empty()) wrong = WrongShapes(shapes.x, shapes.bias, shapes.noise);
  const bool known = AllKnown(shapes.x) && AllKnown(shapes.bias) && AllKnown(shapes.noise);
  if (!wrong.empty() || !known) return wrong.empty() ? "unknown" : wrong;
  return SetParams(shapes.x, shapes.bias, shapes.noise, a, p);
}

}  // namespace
}  // namespace bias_act

void BiasActFuzz(int64_t count, uint64_t seed) {
  using namespace bias_act;
  Outcomes outcomes;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    Call call = SmallCall(&random);
    Shapes shapes{{call.rows, call.channels}, {call.bias ? call.channels : 0}, {call.noise_rows}};
    while (random.Chance(0.4)) Corrupt(&random, &call.a, &shapes);
    checking::context = "fuzz bias_act seed " + std::to_string(seed + i);
    Params p;
    if (outcomes.Refused(Validate(call.a, shapes, &p))) continue;
    // Of pieces, the order chooses the operation and no more.
    if (IsPieces(call.a.activation)) call.a.order = 1;
    call.rows = shapes.x[0];
    call.channels = shapes.x[1];
    call.bias = shapes.bias[0] > 0;
    call.noise_rows = shapes.noise[0];
    SetCpuTiles(&p);
    const int64_t volume = VolumeOrHuge(shapes.x);
    if (outcomes.Skipped(volume, volume > 500)) {
      if (volume > 0) outcomes.Blocks(Blocks(p));
      continue;
    }
    checking::context += " " + Describe(call);
    ForOneType(&random, [&](auto type) {
      using T = decltype(type);
      Check<T>(call, static_cast<int>(random.Between(0, 3)), Cpu<T>{&random}, &outcomes.digest);
    });
  }
  outcomes.Report("bias_act");
}

}  // namespace emulation
