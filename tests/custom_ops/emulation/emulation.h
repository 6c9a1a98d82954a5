// What the harnesses of all operations share: random numbers, buffers, launches, rounding bounds.
#ifndef DUALCONTRAST_TESTS_EMULATION_H_
#define DUALCONTRAST_TESTS_EMULATION_H_

#include <cmath>
#include <cstdint>
#include <new>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "checks.h"
#include "platform.h"

namespace emulation {

using checking::Fail;
using dualcontrast::Accumulator;
using dualcontrast::BFloat16;
using dualcontrast::Half;
using dualcontrast::Text;
using Sides = std::vector<int64_t>;

// SplitMix64: the same everywhere, unlike the standard library's distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // low to high, both included.
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Bits() % static_cast<uint64_t>(high - low + 1));
  }
  bool Chance(double probability) { return Uniform() < probability; }
  double Uniform() { return static_cast<double>(Bits() >> 11) * 0x1p-53; }
  template <class X>
  X Pick(std::initializer_list<X> choices) {
    return choices.begin()[Between(0, static_cast<int64_t>(choices.size()) - 1)];
  }
  template <class X>
  void Shuffle(std::vector<X>* x) {
    for (size_t i = x->size(); i > 1; --i) std::swap((*x)[i - 1], (*x)[Between(0, i - 1)]);
  }

 private:
  uint64_t state_;
};

// unit: the largest relative error of a rounding; tiny: the largest error of a result near zero.
template <class T>
struct Number;
template <>
struct Number<float> {
  static constexpr double kUnit = 0x1p-24, kTiny = 0x1p-149;
  static constexpr char kName[] = "float";
};
template <>
struct Number<double> {
  static constexpr double kUnit = 0x1p-53, kTiny = 0x1p-1022;
  static constexpr char kName[] = "double";
};
template <>
struct Number<Half> {
  static constexpr double kUnit = 0x1p-11, kTiny = 0x1p-25;
  static constexpr char kName[] = "half";
};
template <>
struct Number<BFloat16> {
  static constexpr double kUnit = 0x1p-8, kTiny = 0x1p-134;
  static constexpr char kName[] = "bfloat16";
};

template <class T>
double ToDouble(T x) {
  return static_cast<double>(dualcontrast::Widen(x));
}
template <class T>
T FromDouble(double x) {
  return dualcontrast::Narrow<T>(static_cast<Accumulator<T>>(x));
}

// Memory of exactly so many numbers; `skew` numbers past an address aligned to 64 bytes. Fresh
// memory is all ones, which is not a number in every type.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count, int skew = 0)
      : count_(count),
        bytes_(static_cast<uint8_t*>(
            operator new(Bytes() + skew * sizeof(T), std::align_val_t{64}))),
        data_(reinterpret_cast<T*>(bytes_ + skew * sizeof(T))) {
    Clear();
  }
  ~Buffer() { operator delete(bytes_, std::align_val_t{64}); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void Clear() { memset(static_cast<void*>(data_), 0xff, Bytes()); }
  T* data() const { return data_; }
  int64_t size() const { return count_; }
  size_t Bytes() const { return static_cast<size_t>(count_) * sizeof(T); }

  // A tenth are zeros of either sign, which activations and ties treat specially.
  void Fill(Random* random, double scale) {
    for (int64_t i = 0; i < count_; ++i) {
      const double value = scale * (2 * random->Uniform() - 1);
      data_[i] = FromDouble<T>(random->Chance(0.1) ? 0 * value : value);
    }
  }
  std::vector<double> Doubles() const {
    std::vector<double> doubles(count_);
    for (int64_t i = 0; i < count_; ++i) doubles[i] = ToDouble(data_[i]);
    return doubles;
  }

 private:
  int64_t count_;
  uint8_t* bytes_;
  T* data_;
};

// What a launch may touch. kOverwritten: read, then written in its place. kScratch: written, then
// read.
enum Use { kRead, kWritten, kOverwritten, kScratch };

class Launch {
 public:
  explicit Launch(bool gpu) {
    checking::machine.ranges.clear();
    checking::machine.gpu = gpu;
  }

  template <class T>
  Launch& Touch(const std::string& name, const T* data, int64_t count, Use use) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    const bool counted = use != kRead;
    checking::machine.ranges.push_back(
        {name, reinterpret_cast<uintptr_t>(data), bytes, use != kWritten, use != kRead, counted,
         std::vector<uint8_t>(counted ? bytes : 0, use == kOverwritten ? 2 : 0)});
    return *this;
  }
  template <class T>
  Launch& Touch(const std::string& name, const Buffer<T>& buffer, Use use) {
    return Touch(name, buffer.data(), buffer.size(), use);
  }

  void Finish() const { checking::RequireAllWritten(); }
};

inline void BeginBlock(const void* shared, int64_t cells) {
  ++checking::machine.block;
  checking::machine.shared = shared;
  checking::machine.cells = cells;
  checking::machine.phase = checking::machine.thread = 0;
}

// Calls run(block, phase, thread, cells) as a GPU would, but in any order of blocks and, between
// two barriers, of threads.
template <class Run>
void RunBlocks(Random* random, int64_t blocks, int threads, int phases, int64_t cells,
               const Run& run) {
  if (blocks <= 0) Fail("a launch of " + std::to_string(blocks) + " blocks");
  if (cells * 4 > 48 * 1024) Fail("shared memory of " + std::to_string(cells) + " cells");
  std::vector<int64_t> blocks_order(blocks);
  std::iota(blocks_order.begin(), blocks_order.end(), 0);
  random->Shuffle(&blocks_order);
  std::vector<int> order(threads);
  std::iota(order.begin(), order.end(), 0);
  Buffer<float> shared(cells);
  for (const int64_t block : blocks_order) {
    BeginBlock(shared.data(), cells);
    for (int phase = 0; phase < phases; ++phase) {
      checking::machine.phase = phase;
      random->Shuffle(&order);
      for (const int thread : order) {
        checking::machine.thread = thread;
        run(static_cast<int>(block), phase, thread, shared.data());
      }
    }
  }
}

// Calls make(begin, end) for all blocks as a pool of threads would: in any pieces, in any order.
template <class Make>
void RunPieces(Random* random, int64_t blocks, const Make& make) {
  std::vector<std::pair<int64_t, int64_t>> pieces;
  const int64_t most = random->Pick<int64_t>({1, 3, blocks});
  for (int64_t begin = 0; begin < blocks; begin = pieces.back().second)
    pieces.push_back({begin, std::min(blocks, begin + random->Between(1, most))});
  random->Shuffle(&pieces);
  for (const auto& piece : pieces) {
    BeginBlock(nullptr, -1);
    make(piece.first, piece.second);
  }
}

// `bound` is of the sums' own error; rounding to T comes on top.
template <class T>
void RequireNear(const char* name, const T* got, const std::vector<double>& expected,
                 const std::vector<double>& bound) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double value = ToDouble(got[i]), limit = bound[i] + Number<T>::kTiny +
                         Number<T>::kUnit * (std::abs(expected[i]) + bound[i]);
    if (std::abs(value - expected[i]) <= limit) continue;
    char text[128];
    std::snprintf(text, sizeof(text), "[%zu] is %.9g, expected %.9g +- %.2g", i, value,
                  expected[i], limit);
    Fail(name + std::string(text));
  }
}

// FNV-1a over the bits of results, to compare two builds.
class Digest {
 public:
  void Add(const void* data, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
      hash_ = (hash_ ^ static_cast<const uint8_t*>(data)[i]) * 0x100000001b3u;
  }
  template <class T>
  void Add(const Buffer<T>& buffer) {
    Add(buffer.data(), buffer.Bytes());
  }
  uint64_t Value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

inline int64_t Volume(const Sides& sides) {
  return std::accumulate(sides.begin(), sides.end(), int64_t{1}, std::multiplies<int64_t>());
}

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_EMULATION_H_
