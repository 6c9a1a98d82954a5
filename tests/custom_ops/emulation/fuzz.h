// What the fuzzers share: numbers at and beyond every limit, and the count of what came of them.
#ifndef DUALCONTRAST_TESTS_FUZZ_H_
#define DUALCONTRAST_TESTS_FUZZ_H_

#include "harness.h"

namespace emulation {

inline int64_t OddNumber(Random* random) {
  const int64_t edge = random->Pick<int64_t>(
      {0, 1, 16, 32, 31, 1 << 16, 1 << 20, 1 << 24, int64_t{1} << 31, int64_t{1} << 32});
  if (random->Chance(0.1)) return random->Pick<int64_t>({INT64_MAX, INT64_MIN, INT64_MAX / 2});
  return (random->Chance(0.2) ? -1 : 1) * (edge + random->Between(-1, 1));
}

// A side of a tensor: -1 where it is unknown, and never less.
inline int64_t OddSide(Random* random) { return std::max<int64_t>(-1, OddNumber(random)); }

inline void CorruptNumbers(Random* random, Sides* numbers, bool sides = false) {
  if (random->Chance(0.15)) return numbers->resize(random->Between(0, 6), 1);
  if (numbers->empty()) return;
  (*numbers)[random->Between(0, static_cast<int64_t>(numbers->size()) - 1)] =
      sides ? OddSide(random) : OddNumber(random);
}

inline bool AllKnown(const Sides& sides) {
  return std::all_of(sides.begin(), sides.end(), [](int64_t side) { return side >= 0; });
}

// What TensorFlow refuses to be a tensor.
constexpr int64_t kHuge = INT64_MAX;
inline int64_t VolumeOrHuge(const Sides& sides) {
  int64_t volume = 1;
  for (const int64_t side : sides)
    if (__builtin_mul_overflow(volume, side, &volume)) return kHuge;
  return volume;
}

template <class Check>
void ForOneType(Random* random, const Check& check) {
  switch (random->Between(0, 3)) {
    case 0: return check(float());
    case 1: return check(double());
    case 2: return check(Half());
    default: check(BFloat16());
  }
}

struct Outcomes {
  int64_t refused = 0, empty = 0, large = 0, right = 0;
  Digest digest;

  bool Refused(const std::string& wrong) {
    refused += !wrong.empty();
    return !wrong.empty();
  }
  // Operations compute nothing where results are empty; what is too large for here counts as well.
  bool Skipped(int64_t volume, bool too_large) {
    empty += volume == 0;
    large += volume != 0 && too_large;
    right += volume != 0 && !too_large;
    return volume == 0 || too_large;
  }
  void Blocks(int64_t blocks) const {
    if (blocks == 0 || blocks < -1 || blocks > 2147483647)
      Fail("a launch of " + std::to_string(blocks) + " blocks");
  }
  void Report(const char* op) const {
    std::printf("fuzz %s: %" PRId64 " refused, %" PRId64 " empty, %" PRId64 " large, %" PRId64
                " right\n",
                op, refused, empty, large, right);
    const int64_t all = refused + empty + large + right;
    if (all >= 1000 && (right < all / 5 || refused < all / 10)) Fail("too few calls of a kind");
  }
};

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_FUZZ_H_
