// Large results pass by the caches, with stores that nothing watches and that want aligned
// addresses: they must be the bits of small results, and none may be missing or elsewhere.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "bias_act_cpu.h"
#include "upfirdn2d_cpu.h"

namespace {

using dualcontrast::Accumulator;

// Begins at a multiple of 64 bytes, `skew` numbers later.
template <class T>
struct Numbers {
  T* begin;
  std::unique_ptr<T[]> owner;

  explicit Numbers(int64_t count, int skew = 0) : owner(new T[count + 64 + skew]) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(owner.get());
    begin = owner.get() + (64 - address % 64) % 64 / sizeof(T) + skew;
    uint32_t state = 1;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 1664525u + 1013904223u;
      begin[i] = dualcontrast::Narrow<T>(static_cast<int32_t>(state) * Accumulator<T>(0x1p-31));
    }
  }
};

void Require(bool right, const char* what, const char* type) {
  if (right) return;
  std::fprintf(stderr, "FAILED streams: %s of %s\n", what, type);
  std::exit(1);
}

// All images at once, then one by one: an image alone is too small to be streamed.
template <class T>
void Resample(const char* type) {
  namespace op = dualcontrast::upfirdn2d;
  const int64_t images = 90, side = 32, channels = 48, size = side * side * channels;
  const op::Attributes a{{1, 3, 3, 1, 1, 3, 3, 2}, {4, 4}, true, {2, 2}, {1, 1}, {2, 1, 2, 1}};
  const Numbers<T> x(images * size), expected(images * 4 * size);
  op::Params p;
  Require(op::SetParams({1, side, side, channels}, a, &p).empty(), "parameters", type);
  op::SetCpuTiles(&p);
  Require(!dualcontrast::Streams(expected.begin, 4 * size, channels), "small results", type);
  for (int64_t i = 0; i < images; ++i)
    op::ChooseCpu<T>(p, true)(p, x.begin + i * size, expected.begin + i * 4 * size, 0,
                              op::Blocks(p));
  p.batch = images;
  for (const int skew : {0, 1}) {
    const Numbers<T> y(images * 4 * size, skew);
    const bool streams = dualcontrast::Streams(y.begin, images * 4 * size, channels);
    Require(streams == (skew == 0), "choice of upfirdn2d", type);
    op::ChooseCpu<T>(p, true)(p, x.begin, y.begin, 0, op::Blocks(p));
    const bool same = memcmp(y.begin, expected.begin, images * 4 * size * sizeof(T)) == 0;
    Require(same, "upfirdn2d", type);
  }
}

template <class T>
void Activate(const char* type) {
  namespace op = dualcontrast::bias_act;
  const int64_t rows = 65600, channels = 272, size = rows * channels;
  const Numbers<T> x(size), plain(size), streamed(size), misaligned(size, 1);
  const Numbers<Accumulator<T>> bias(channels);
  op::Params p;
  const op::Attributes a{"lrelu", 0.2f, 1, 0.5f, 1};
  Require(op::SetParams({rows, channels}, {channels}, {0}, a, &p).empty(), "parameters", type);
  op::SetCpuTiles(&p);
  const int64_t blocks = op::Blocks(p);
  op::MakeForward<T, true, false>(p, x.begin, bias.begin, nullptr, plain.begin, 0, blocks);
  for (T* const y : {streamed.begin, misaligned.begin}) {
    Require(dualcontrast::Streams(y, size, channels) == (y == streamed.begin), "choice", type);
    op::ChooseForward(p, x.begin, y)(p, x.begin, bias.begin, nullptr, y, 0, blocks);
    Require(memcmp(y, plain.begin, size * sizeof(T)) == 0, "bias_act", type);
  }
  op::MakeBackward<T, true, false>(p, x.begin, x.begin, bias.begin, nullptr, plain.begin, nullptr,
                                   nullptr, 0, blocks);
  op::ChooseBackward(p, x.begin, streamed.begin)(p, x.begin, x.begin, bias.begin, nullptr,
                                                 streamed.begin, nullptr, nullptr, 0, blocks);
  Require(memcmp(streamed.begin, plain.begin, size * sizeof(T)) == 0, "bias_act_grad", type);
}

template <class T>
void Check(const char* type) {
  Resample<T>(type);
  Activate<T>(type);
  std::printf("streams: %s\n", type);
}

}  // namespace

int main() {
  Check<float>("float");
  Check<double>("double");
  Check<dualcontrast::Half>("half");
  Check<dualcontrast::BFloat16>("bfloat16");
}
