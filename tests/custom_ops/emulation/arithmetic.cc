// What the bodies rest on: division by multiplication and the two types of 16 bits.
#include "divisor.h"
#include "emulation.h"
#include "harness.h"

namespace emulation {
namespace {

using dualcontrast::BitCast;
using dualcontrast::Divisor;
using dualcontrast::Pack;

constexpr int64_t kMost = 2147483647;

void CheckQuotient(const Divisor& divisor, int64_t dividend) {
  if (dividend < 0 || dividend > kMost) return;
  if (divisor.Quotient(static_cast<int>(dividend)) != dividend / divisor.value)
    Fail(std::to_string(dividend) + " / " + std::to_string(divisor.value) + " is " +
         std::to_string(divisor.Quotient(static_cast<int>(dividend))));
}

// Neighbours of every power of two, which is where a rounded multiplier fails first.
std::vector<int64_t> EdgesOf31Bits() {
  std::vector<int64_t> edges;
  for (int bit = 0; bit <= 31; ++bit)
    for (int64_t step = -2; step <= 2; ++step) {
      const int64_t edge = (int64_t{1} << bit) + step;
      if (edge >= 0 && edge <= kMost) edges.push_back(edge);
    }
  return edges;
}

// The widest rounding, then the scalar one, of eight neighbours.
template <class T>
void CheckNarrow(const Pack<float, 8>& floats, uint16_t (*expected)(float)) {
  const Pack<T, 8> narrow = dualcontrast::Narrow<T, 8>(dualcontrast::Widen(floats));
  for (int i = 0; i < 8; ++i) {
    const uint16_t right = expected(floats.v[i]);
    const float x = floats.v[i];
    if (narrow.v[i].bits == right && dualcontrast::Narrow<T>(x).bits == right) continue;
    const bool nan = ToDouble(narrow.v[i]) != ToDouble(narrow.v[i]);
    if (x != x && nan) continue;  // Not a number has many patterns.
    char text[96];
    std::snprintf(text, sizeof(text), "%s of %a is %04x, expected %04x", Number<T>::kName, x,
                  narrow.v[i].bits, right);
    Fail(text);
  }
}

uint16_t HalfByCompiler(float x) { return BitCast<uint16_t>(static_cast<_Float16>(x)); }

// The nearer of the two neighbours with 16 bits less, or the even one.
uint16_t BFloat16ByDistance(float x) {
  if (x != x) return 0x7fc0u;
  const uint32_t bits = BitCast<uint32_t>(std::abs(x)), low = bits >> 16;
  const auto value = [](uint32_t b) {
    // What lies above the largest number is as far as the next power of two.
    return b >= 0x7f80u ? 0x1p128 : static_cast<double>(BitCast<float>(b << 16));
  };
  const double below = std::abs(static_cast<double>(x)) - value(low);
  const double above = value(low + 1) - std::abs(static_cast<double>(x));
  const bool up = bits < 0x7f800000u && (above < below || (above == below && low % 2 == 1));
  return static_cast<uint16_t>((std::signbit(x) ? 0x8000u : 0) | (low + up));
}

float HalfToFloatByCompiler(uint16_t bits) { return static_cast<float>(BitCast<_Float16>(bits)); }
float BFloat16ToFloat(uint16_t bits) { return BitCast<float>(static_cast<uint32_t>(bits) << 16); }

template <class T>
void CheckAllPatterns(float (*widen)(uint16_t)) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const T x{static_cast<uint16_t>(bits)};
    const float wide = dualcontrast::Widen(x), right = widen(x.bits);
    const bool nan = right != right;
    if (nan ? wide == wide : BitCast<uint32_t>(wide) != BitCast<uint32_t>(right))
      Fail(std::string("widened ") + Number<T>::kName + " " + std::to_string(bits));
    const T back = dualcontrast::Narrow<T>(wide);
    const bool same = nan ? ToDouble(back) != ToDouble(back) : back.bits == x.bits;
    if (!same) Fail(std::string("round trip of ") + Number<T>::kName + " " + std::to_string(bits));
  }
}

// Half of the patterns have an exponent near those where a half is subnormal or infinite, and a
// quarter end in the zeros of a tie.
float RandomFloat(Random* random) {
  uint32_t bits = static_cast<uint32_t>(random->Bits());
  if (random->Chance(0.5))
    bits = (bits & 0x807fffffu) | static_cast<uint32_t>(random->Between(100, 145) << 23);
  if (random->Chance(0.02)) bits |= 0x7f800000u;  // Infinity, not a number.
  if (random->Chance(0.25)) bits = (bits & ~0x1fffu) | 0x1000u;
  if (random->Chance(0.25)) bits = (bits & ~0xffffu) | 0x8000u;
  return BitCast<float>(bits);
}

}  // namespace

void CheckDivisor(int64_t count, uint64_t seed) {
  checking::context = "divisor seed " + std::to_string(seed);
  const std::vector<int64_t> edges = EdgesOf31Bits();
  for (const int64_t value : edges) {
    if (value == 0) continue;
    const Divisor divisor(static_cast<int>(value));
    for (const int64_t edge : edges) {
      CheckQuotient(divisor, edge);
      const int64_t multiple = edge / value * value;
      for (int64_t step = -1; step <= 1; ++step) CheckQuotient(divisor, multiple + step);
    }
  }
  Random random(seed);
  for (int64_t i = 0; i < count; ++i) {
    // Of any length in bits.
    const Divisor divisor(static_cast<int>(1 + (random.Bits() >> 33 >> random.Between(0, 30))));
    const int64_t dividend = static_cast<int64_t>(random.Bits() >> 33);
    CheckQuotient(divisor, dividend);
    CheckQuotient(divisor, dividend / divisor.value * divisor.value - 1);
  }
  std::printf("divisor: %" PRId64 " random pairs\n", count);
}

void CheckConversions(int64_t count, uint64_t seed) {
  checking::context = "conversions seed " + std::to_string(seed);
  CheckAllPatterns<Half>(HalfToFloatByCompiler);
  CheckAllPatterns<BFloat16>(BFloat16ToFloat);
  Random random(seed);
  for (int64_t i = 0; i < count; i += 8) {
    Pack<float, 8> floats;
    for (float& x : floats.v) x = RandomFloat(&random);
    CheckNarrow<Half>(floats, HalfByCompiler);
    CheckNarrow<BFloat16>(floats, BFloat16ByDistance);
  }
  std::printf("conversions: all patterns, %" PRId64 " random floats\n", count);
}

}  // namespace emulation
