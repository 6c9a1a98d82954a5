// Local aggregation and its derivatives: any attributes and shapes end in an error text or in the
// definition's result.
#include "fuzz.h"
#include "local_aggregation_calls.h"

namespace emulation {
namespace local_aggregation {
namespace {

struct Shapes {
  Sides weights, values, g;
  int64_t window, maps;
};

AggregationSizes SmallSizes(Random* random) {
  AggregationSizes z{random->Between(1, 2), random->Between(1, 3), random->Between(1, 4),
                     random->Pick<int64_t>({1, 1, 3, 3, 5}), random->Pick<int64_t>({1, 2, 3, 8, 9}),
                     random->Pick<int64_t>({1, 2, 3, 4, 9})};
  if (random->Chance(0.2))
    *random->Pick({&z.batch, &z.height, &z.width, &z.groups}) = 0;
  return z;
}

Shapes ShapesOf(const AggregationSizes& z) {
  return {{z.batch, z.height, z.width, z.window * z.window, z.maps},
          {z.batch, z.height + z.window - 1, z.width + z.window - 1, z.Channels()},
          {z.batch, z.height, z.width, z.Channels()},
          z.window,
          z.maps};
}

void Corrupt(Random* random, Shapes* shapes) {
  switch (random->Between(0, 4)) {
    case 0: return CorruptNumbers(random, &shapes->weights, true);
    case 1: return CorruptNumbers(random, &shapes->values, true);
    case 2: return CorruptNumbers(random, &shapes->g, true);
    case 3: shapes->window = OddNumber(random); break;
    default: shapes->maps = OddNumber(random);
  }
}

// The two operands of an operation are checked against each other; the third shape is the result's.
std::string WrongOperands(Kind kind, const Shapes& s) {
  std::string wrong = WrongWindow(s.window);
  if (kind == kWeights) {
    if (wrong.empty() && s.g.size() != 4) wrong = "g is not of rank 4";
    if (wrong.empty()) wrong = WrongValues(s.values, s.g, s.window);
    if (wrong.empty() && Differ(s.g[3], s.values[3])) wrong = "channels differ";
    return wrong.empty() ? WrongMaps(s.g[3], s.maps) : wrong;
  }
  const Sides& other = kind == kOutput ? s.values : s.g;
  if (wrong.empty()) wrong = WrongWeights(s.weights, s.window);
  if (wrong.empty())
    wrong = kind == kOutput ? WrongValues(other, s.weights, s.window)
                            : WrongGradient(other, s.weights);
  return wrong.empty() ? WrongMaps(other[3], s.weights[4]) : wrong;
}

// As the operations do where all sides are known, and as their shape functions do before.
std::string Validate(Kind kind, const Shapes& s, Params* p) {
  const std::string wrong = WrongOperands(kind, s);
  const Sides& first = kind == kWeights ? s.g : s.weights;
  const Sides& second = kind == kValues ? s.g : s.values;
  if (!wrong.empty() || !AllKnown(first) || !AllKnown(second) || s.maps < 0)
    return wrong.empty() ? "unknown" : wrong;
  return SetParams({first[0], first[1], first[2], second[3]}, s.window,
                   kind == kWeights ? s.maps : s.weights[4], p);
}

int64_t VolumeOf(Kind kind, const Params& p) {
  const int64_t height = p.height, width = p.width, border = p.window - 1;
  const int64_t channels = static_cast<int64_t>(p.groups) * p.maps;
  if (kind == kOutput) return VolumeOrHuge({p.batch, height, width, channels});
  if (kind == kWeights)
    return VolumeOrHuge({p.batch, height, width, int64_t{p.window} * p.window, p.maps});
  return VolumeOrHuge({p.batch, height + border, width + border, channels});
}

}  // namespace
}  // namespace local_aggregation

void LocalAggregationFuzz(int64_t count, uint64_t seed) {
  using namespace local_aggregation;
  Outcomes outcomes;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed + i);
    const Kind kind = random.Pick({kOutput, kWeights, kValues});
    Shapes shapes = ShapesOf(SmallSizes(&random));
    while (random.Chance(0.4)) Corrupt(&random, &shapes);
    checking::context = "fuzz local_aggregation seed " + std::to_string(seed + i);
    Params p;
    if (outcomes.Refused(Validate(kind, shapes, &p))) continue;
    const AggregationSizes z{p.batch, p.height, p.width, p.window, p.maps, p.groups};
    const int64_t volume = VolumeOf(kind, p);
    const bool large = volume > 3000 || VolumeOf(kOutput, p) > 1000 || VolumeOf(kValues, p) > 3000;
    if (outcomes.Skipped(volume, large)) {
      if (volume > 0 && volume < kHuge) {
        SetCpuTiles(kind == kValues, &p);
        outcomes.Blocks(Blocks(p));
      }
      continue;
    }
    checking::context += std::string(" ") + kNames[kind] + " " + Describe(z);
    ForOneType(&random, [&](auto type) {
      CheckCpu<decltype(type)>(z, kind, &random, &outcomes.digest);
    });
  }
  outcomes.Report("local_aggregation");
}

}  // namespace emulation
