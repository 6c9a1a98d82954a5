// Local aggregation: the GPU's results against the CPU's, and its times.
#include "harness.h"
#include "local_aggregation_cpu.h"
#include "local_aggregation_cuda.h"

namespace dualcontrast {
namespace gpu_check {
namespace {

using local_aggregation::Params;
using Sides = std::vector<int64_t>;

int64_t Count(const Sides& sides) {
  int64_t count = 1;
  for (const int64_t side : sides) count *= side;
  return count;
}

// The three tensors' shapes for an output's, a window and maps.
struct Shapes {
  Sides weights, values, output;
  Shapes(const Sides& output, int64_t window, int64_t maps)
      : weights{output[0], output[1], output[2], window * window, maps},
        values{output[0], output[1] + window - 1, output[2] + window - 1, output[3]},
        output(output) {}
};

template <class T>
void Check(Random* random, const std::string& type, Outcome* outcome) {
  const int64_t window = random->OneOf<int64_t>({1, 3, 5, 7});
  const int64_t maps = random->OneOf<int64_t>({1, 2, 3, 4, 6, 8, 16, 33, 40, 64});
  const int64_t groups = random->Integer(1, 17);
  const Shapes shapes({random->Integer(1, 2), random->Integer(1, 9), random->Integer(1, 40),
                       groups * maps},
                      window, maps);
  const std::string name = "local_aggregation " + type + " " +
                           Text(shapes.output) + " window " +
                           std::to_string(window) + " maps " + std::to_string(maps);
  Params params;
  Require(SetParams(shapes.output, window, maps, &params));
  const auto w = random->Reals<T>(Count(shapes.weights));
  const auto v = random->Reals<T>(Count(shapes.values));
  const auto g = random->Reals<T>(Count(shapes.output));
  const int64_t offset = random->Integer(0, 3) == 0;
  const Array<T> weights(w, offset), values(v, offset), upstream(g, offset);
  const auto compare = [&](const char* what, bool of_values, const Sides& result, int64_t terms,
                           const auto& make, const std::vector<T>& a, const std::vector<T>& b,
                           const auto& launch) {
    std::vector<T> expected(Count(result));
    SetCpuTiles(of_values, &params);
    make(params, a.data(), b.data(), expected.data(), int64_t{0}, Blocks(params));
    Array<T> made(Count(result), offset);
    const auto runs = ThreeRuns<T>(name, &made, [&] { return launch(made.data()); }, outcome);
    Compare(name + what, runs, expected, false, BoundOfSum(static_cast<double>(terms)), outcome);
  };
  const int64_t taps = window * window;
  compare(" output", false, shapes.output, taps, local_aggregation::MakeOutput<T>, w, v,
          [&](T* out) {
            return LaunchOutput(&params, weights.data(), values.data(), out, nullptr);
          });
  compare(" weights", false, shapes.weights, groups,
          local_aggregation::ChooseWeights<T>(params.groups), g, v, [&](T* out) {
            return LaunchWeights(&params, upstream.data(), values.data(), out, nullptr);
          });
  compare(" values", true, shapes.values, taps, local_aggregation::MakeValues<T>, w, g,
          [&](T* out) {
            return LaunchValues(&params, weights.data(), upstream.data(), out, nullptr);
          });
}

template <class T>
double Time(const std::string& command, const std::vector<int64_t>& n, T) {
  const Shapes shapes({n[0], n[1], n[1], n[2]}, n[3], n[4]);
  Params params;
  Require(SetParams(shapes.output, n[3], n[4], &params));
  const Array<T> w(Count(shapes.weights)), v(Count(shapes.values)), g(Count(shapes.output));
  return Median([&] {
    if (command == "aggregation")
      return local_aggregation::LaunchOutput<T>(&params, w.data(), v.data(), g.data(), nullptr);
    if (command == "aggregation_weights")
      return local_aggregation::LaunchWeights<T>(&params, g.data(), v.data(), w.data(), nullptr);
    return local_aggregation::LaunchValues<T>(&params, w.data(), g.data(), v.data(), nullptr);
  });
}

}  // namespace

void CheckLocalAggregation(Random* random, const std::string& type, Outcome* outcome) {
  ForType(type, [&](auto t) { Check<decltype(t)>(random, type, outcome); });
}

double TimeLocalAggregation(const std::string& command, const std::vector<int64_t>& numbers,
                            const std::string& type) {
  double seconds = 0;
  ForType(type, [&](auto t) { seconds = Time(command, numbers, t); });
  return seconds;
}

}  // namespace gpu_check
}  // namespace dualcontrast
