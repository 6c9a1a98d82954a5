// What the checks of all operations share: random cases, memory on the GPU, comparisons, timing.
#ifndef DUALCONTRAST_TOOLS_GPU_CHECK_HARNESS_H_
#define DUALCONTRAST_TOOLS_GPU_CHECK_HARNESS_H_

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "platform.h"

namespace dualcontrast {
namespace gpu_check {

// Everything after a failure of CUDA would fail as well, so the program ends.
inline void Require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(4);
}
inline void Require(const std::string& wrong) {
  if (wrong.empty()) return;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  std::exit(4);
}

// The same numbers on every machine (Steele et al. 2014, SplitMix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Low to high, both included.
  int64_t Integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Bits() % static_cast<uint64_t>(high - low + 1));
  }
  bool Coin() { return Bits() >> 63; }
  // -1 to 1.
  float Real() { return static_cast<float>(static_cast<int64_t>(Bits()) * 0x1p-63); }
  template <class X>
  X OneOf(std::initializer_list<X> choices) {
    return choices.begin()[Integer(0, static_cast<int64_t>(choices.size()) - 1)];
  }
  template <class T>
  std::vector<T> Reals(int64_t count) {
    std::vector<T> made(count);
    for (T& x : made) x = Narrow<T>(Real());
    return made;
  }

 private:
  uint64_t state_;
};

// An array on the GPU, `offset` cells from where every access may begin, with a margin behind it
// that nobody may write.
template <class T>
class Array {
 public:
  explicit Array(int64_t count, int64_t offset = 0) : count_(count), offset_(offset) {
    Require(cudaMalloc(&memory_, Bytes()), "cudaMalloc");
    Clear();
  }
  Array(const std::vector<T>& values, int64_t offset)
      : Array(static_cast<int64_t>(values.size()), offset) {
    if (count_ > 0)
      Require(cudaMemcpy(data(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice),
              "cudaMemcpy");
  }
  Array(const Array&) = delete;
  ~Array() { cudaFree(memory_); }

  T* data() const { return static_cast<T*>(memory_) + offset_; }
  // Sets all bits: every cell is not a number until it is written.
  void Clear() { Require(cudaMemset(memory_, kByte, Bytes()), "cudaMemset"); }
  // Sets `damaged` where something beside the array was written.
  std::vector<T> Read(bool* damaged) const {
    std::vector<T> all(Bytes() / sizeof(T));
    Require(cudaMemcpy(all.data(), memory_, Bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    const auto* bytes = reinterpret_cast<const unsigned char*>(all.data());
    for (size_t i = 0; i < Bytes(); ++i) {
      const bool inside = i >= offset_ * sizeof(T) && i < (offset_ + count_) * sizeof(T);
      if (!inside && bytes[i] != kByte) *damaged = true;
    }
    return std::vector<T>(all.begin() + offset_, all.begin() + offset_ + count_);
  }

 private:
  static constexpr int kByte = 0xff;
  static constexpr int64_t kMargin = 64;
  size_t Bytes() const { return (offset_ + count_ + kMargin) * sizeof(T); }

  void* memory_ = nullptr;
  int64_t count_, offset_;
};

// What became of the random cases of one operation.
struct Outcome {
  int64_t cases = 0, exact = 0;
  double largest = 0;  // Of all errors, as a share of its bound.
  std::vector<std::string> failures;
};

// The distance between neighbouring numbers beside 1.
template <class T>
constexpr double kStep = 0x1p-23;
template <>
inline constexpr double kStep<Half> = 0x1p-10;
template <>
inline constexpr double kStep<BFloat16> = 0x1p-7;

// Compares results of the GPU, one of each of three runs, with the CPU's.
// exact: the bits must be the same. Otherwise an error may be `bound`, and one step of T.
template <class T>
void Compare(const std::string& name, const std::vector<std::vector<T>>& runs,
             const std::vector<T>& expected, bool exact, double bound, Outcome* outcome) {
  const size_t bytes = expected.size() * sizeof(T);
  for (size_t i = 1; i < runs.size(); ++i)
    if (bytes && std::memcmp(runs[0].data(), runs[i].data(), bytes) != 0) {
      outcome->failures.push_back(name + ": runs differ");
      return;
    }
  ++outcome->cases;
  if (!bytes || std::memcmp(runs[0].data(), expected.data(), bytes) == 0) {
    ++outcome->exact;
    return;
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const double got = Widen(runs[0][i]), want = Widen(expected[i]);
    const double allowed = bound + kStep<T> * std::abs(want) + (sizeof(T) == 2 ? 0x1p-24 : 0);
    const double share = std::abs(got - want) / allowed;
    // Not less: not a number is no match.
    if (!(share <= 1) || (exact && std::memcmp(&runs[0][i], &expected[i], sizeof(T)) != 0)) {
      char text[160];
      std::snprintf(text, sizeof(text), ": [%zu] is %.9g, expected %.9g%s", i, got, want,
                    exact ? " to the bit" : "");
      outcome->failures.push_back(name + text);
      return;
    }
    outcome->largest = std::max(outcome->largest, share);
  }
}

// Runs `launch` three times from cleared memory.
template <class T>
std::vector<std::vector<T>> ThreeRuns(const std::string& name, Array<T>* result,
                                      const std::function<std::string()>& launch,
                                      Outcome* outcome) {
  std::vector<std::vector<T>> runs;
  bool damaged = false;
  for (int run = 0; run < 3; ++run) {
    result->Clear();
    Require(launch());
    Require(cudaDeviceSynchronize(), name.c_str());
    runs.push_back(result->Read(&damaged));
  }
  if (damaged) outcome->failures.push_back(name + ": writes beside its result");
  return runs;
}

// Returns the median seconds of a launch, after some that are not counted.
inline double Median(const std::function<std::string()>& launch) {
  cudaEvent_t begin, end;
  Require(cudaEventCreate(&begin), "cudaEventCreate");
  Require(cudaEventCreate(&end), "cudaEventCreate");
  std::vector<float> milliseconds;
  for (int run = -5; run < 25; ++run) {
    Require(cudaEventRecord(begin), "cudaEventRecord");
    Require(launch());
    Require(cudaEventRecord(end), "cudaEventRecord");
    Require(cudaEventSynchronize(end), "cudaEventSynchronize");
    float time;
    Require(cudaEventElapsedTime(&time, begin, end), "cudaEventElapsedTime");
    if (run >= 0) milliseconds.push_back(time);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return milliseconds[milliseconds.size() / 2] * 1e-3;
}

// Calls body(T()) for float32, float16 or bfloat16.
template <class Body>
void ForType(const std::string& type, const Body& body) {
  if (type == "float32") return body(0.0f);
  if (type == "float16") return body(Half());
  if (type == "bfloat16") return body(BFloat16());
  Require("type must be float32, float16 or bfloat16, got " + type);
}

// How far sums of so many products of numbers below 1 may lie apart: GPUs fuse every multiplication
// with its addition, CPUs those that their compiler chose. The sums themselves grow like sqrt(n).
inline double BoundOfSum(double products) { return products * std::sqrt(products) * kStep<float>; }

// Each operation's: one random case after another, and the time of one size.
void CheckUpfirdn2d(Random* random, const std::string& type, Outcome* outcome);
void CheckBiasAct(Random* random, const std::string& type, Outcome* outcome);
void CheckLocalAggregation(Random* random, const std::string& type, Outcome* outcome);
double TimeUpfirdn2d(const std::vector<int64_t>& numbers, const std::string& type);
double TimeBiasAct(bool backward, const std::vector<int64_t>& numbers, const std::string& type);
double TimeLocalAggregation(const std::string& command, const std::vector<int64_t>& numbers,
                            const std::string& type);

}  // namespace gpu_check
}  // namespace dualcontrast

#endif  // DUALCONTRAST_TOOLS_GPU_CHECK_HARNESS_H_
