// Bias, noise and activation: the GPU's results against the CPU's, and its times.
#include "bias_act_cpu.h"
#include "bias_act_cuda.h"
#include "bias_act_gpu.h"
#include "harness.h"

namespace dualcontrast {
namespace gpu_check {
namespace {

using bias_act::Attributes;
using bias_act::Params;

Attributes RandomAttributes(Random* random) {
  Attributes a;
  a.activation = random->OneOf<const char*>({"linear", "lrelu", "lrelu", "relu", "sigmoid", "tanh",
                                             "swish"});
  a.slope = 0.2f;
  a.gain = random->OneOf<float>({1.0f, 1.4142135f, 0.5f});
  a.clamp = random->OneOf<float>({0.0f, 0.75f});
  a.order = random->Integer(1, bias_act::IsPieces(a.activation) ? 1 : 3);
  // A rounding of a smooth activation beside the clamp would be the whole gradient's.
  if (!bias_act::IsPieces(a.activation)) a.clamp = 0;
  return a;
}

// A case's shapes and operands, on the CPU.
template <class T>
struct Case {
  std::string name;
  Attributes attributes;
  Params forward, backward;
  std::vector<T> x, g;
  std::vector<float> bias, noise;
};

template <class T>
Case<T> RandomCase(Random* random, const std::string& type) {
  Case<T> c;
  c.attributes = RandomAttributes(random);
  // Once in a while more tiles of 32 rows than one level of a sum takes.
  const int64_t shared_rows = random->Integer(1, 40);
  const int64_t samples = random->Integer(0, 15) == 0 ? 2200 / shared_rows + 1 : 3;
  const int64_t rows = shared_rows * samples;
  const int64_t channels = random->OneOf<int64_t>({1, 2, 3, 4, 5, 8, 33, 64, 130, 256, 300, 513});
  c.x = random->Reals<T>(rows * channels);
  c.g = random->Reals<T>(rows * channels);
  if (random->Coin()) c.bias = random->Reals<float>(channels);
  if (random->Coin()) c.noise = random->Reals<float>(random->Coin() ? rows : shared_rows);
  const std::vector<int64_t> shape{rows, channels}, bias{static_cast<int64_t>(c.bias.size())},
      noise{static_cast<int64_t>(c.noise.size())};
  c.name = "bias_act " + type + " " + Text(shape) + " bias " + Text(bias) +
           " noise " + Text(noise) + " " + c.attributes.activation + " order " +
           std::to_string(c.attributes.order);
  Attributes activation = c.attributes;
  activation.order = 0;
  Require(SetParams(shape, bias, noise, activation, &c.forward));
  // What is linear in pieces is differentiated from its output alone.
  const bool pieces = bias_act::IsPieces(c.attributes.activation);
  Require(SetParams(shape, pieces ? std::vector<int64_t>{0} : bias,
                    pieces ? std::vector<int64_t>{0} : noise, c.attributes, &c.backward));
  return c;
}

// Derivatives of order k are polynomials whose coefficients grow like k!.
double Bound(const Attributes& a, int64_t order) {
  static constexpr double kGrowth[] = {1, 4, 16, 96};
  return bias_act::IsPieces(a.activation) ? 0 : 32 * kGrowth[order] * a.gain * kStep<float>;
}

template <class T>
std::vector<T> CheckForward(const Case<T>& c, int64_t offset, Outcome* outcome) {
  Params params = c.forward;
  SetCpuTiles(&params);
  const bool pieces = params.activation == bias_act::kPieces;
  std::vector<T> expected(c.x.size());
  bias_act::ChooseForward<T>(params, c.x.data(), expected.data())(
      params, c.x.data(), c.bias.data(), c.noise.data(), expected.data(), 0, Blocks(params));
  const Array<T> x(c.x, offset);
  const Array<float> bias(c.bias, 0), noise(c.noise, 0);
  Array<T> y(static_cast<int64_t>(c.x.size()), offset);
  const auto runs = ThreeRuns<T>(
      c.name, &y,
      [&] {
        return LaunchForward(&params, x.data(), bias.data(), noise.data(), y.data(), nullptr);
      },
      outcome);
  Compare(c.name + " forward", runs, expected, pieces, Bound(c.attributes, 0), outcome);
  return expected;
}

// The sums of tiles, and where their levels go.
struct Sums {
  std::vector<float> scratch, sums;
  int64_t count, columns;
  Sums(int64_t count, int64_t columns)
      : scratch(bias_act::ScratchCells(count, columns)),
        sums(columns),
        count(count),
        columns(columns) {}
};

template <class T>
void CheckBackward(const Case<T>& c, const std::vector<T>& y, int64_t offset, Outcome* outcome) {
  Params params = c.backward;
  // The GPU's tiles, so that sums are of the same numbers in the same order.
  bias_act::SetGpuTiles<T>(&params);
  const bool pieces = params.activation == bias_act::kPieces;
  const std::vector<T>& reference = pieces ? y : c.x;
  std::vector<T> expected(c.x.size());
  Sums rows(params.tiles, params.channels), channels(params.chunks.value, params.rows);
  bias_act::ChooseBackward<T>(params, c.g.data(), expected.data())(
      params, c.g.data(), reference.data(), c.bias.data(), c.noise.data(), expected.data(),
      rows.scratch.data(), channels.scratch.data(), 0, Blocks(params));
  for (Sums* s : {&rows, &channels})
    bias_act::SumLevels(s->count, s->columns, s->scratch.data(), s->sums.data());

  const Array<T> g(c.g, offset), on_gpu(reference, offset);
  const Array<float> bias(c.bias, 0), noise(c.noise, 0);
  Array<T> dx(static_cast<int64_t>(expected.size()), offset);
  Array<float> over_rows(static_cast<int64_t>(rows.scratch.size()));
  Array<float> over_channels(static_cast<int64_t>(channels.scratch.size()));
  Array<float> row_sums(rows.columns), channel_sums(channels.columns);
  const auto launch = [&] {
    std::string wrong =
        LaunchBackward(params, g.data(), on_gpu.data(), bias.data(), noise.data(), dx.data(),
                       over_rows.data(), over_channels.data(), nullptr);
    if (wrong.empty())
      wrong = bias_act::LaunchSum(rows.count, rows.columns, over_rows.data(), row_sums.data(),
                                  nullptr);
    if (wrong.empty())
      wrong = bias_act::LaunchSum(channels.count, channels.columns, over_channels.data(),
                                  channel_sums.data(), nullptr);
    return wrong;
  };
  const double bound = Bound(c.attributes, c.attributes.order);
  Compare(c.name + " dx", ThreeRuns<T>(c.name, &dx, launch, outcome), expected, pieces, bound,
          outcome);
  // Each of n terms may be off by its own bound and rounding to T, and so may their sum.
  const auto of_sum = [&](double n) {
    return n * (pieces ? 0 : bound + kStep<T> * 32) + 4 * BoundOfSum(n);
  };
  Compare(c.name + " over rows", ThreeRuns<float>(c.name, &row_sums, launch, outcome), rows.sums,
          pieces, of_sum(static_cast<double>(params.rows)), outcome);
  // A row's channels are summed in lanes, of which a CPU has more.
  Compare(c.name + " over channels", ThreeRuns<float>(c.name, &channel_sums, launch, outcome),
          channels.sums, false, of_sum(params.channels), outcome);
}

template <class T>
double Time(bool backward, const std::vector<int64_t>& n, T) {
  Params params;
  const int64_t rows = n[0] * n[1] * n[1], channels = n[2];
  Attributes a{"lrelu", 0.2f, 1.0f, 0.0f, backward ? 1 : 0};
  const std::vector<int64_t> bias_shape{backward ? 0 : channels}, noise_shape{backward ? 0 : rows};
  Require(SetParams({rows, channels}, bias_shape, noise_shape, a, &params));
  bias_act::SetGpuTiles<T>(&params);
  const Array<T> x(rows * channels), g(backward ? rows * channels : 0), y(rows * channels);
  const Array<float> bias(channels), noise(rows);
  const Array<float> over_rows(bias_act::ScratchCells(params.tiles, channels));
  const Array<float> over_channels(bias_act::ScratchCells(params.chunks.value, rows));
  return Median([&] {
    if (!backward)
      return LaunchForward(&params, x.data(), bias.data(), noise.data(), y.data(), nullptr);
    std::string wrong =
        bias_act::LaunchBackward<T>(params, g.data(), x.data(), nullptr, nullptr, y.data(),
                          over_rows.data(), over_channels.data(), nullptr);
    if (wrong.empty())
      wrong = bias_act::LaunchSum(params.tiles, channels, over_rows.data(), bias.data(), nullptr);
    if (wrong.empty())
      wrong = bias_act::LaunchSum(params.chunks.value, rows, over_channels.data(), noise.data(),
                                  nullptr);
    return wrong;
  });
}

}  // namespace

void CheckBiasAct(Random* random, const std::string& type, Outcome* outcome) {
  ForType(type, [&](auto t) {
    const auto one = RandomCase<decltype(t)>(random, type);
    const int64_t offset = random->Integer(0, 3) == 0;
    const auto y = CheckForward(one, offset, outcome);
    CheckBackward(one, y, offset, outcome);
  });
}

double TimeBiasAct(bool backward, const std::vector<int64_t>& numbers, const std::string& type) {
  double seconds = 0;
  ForType(type, [&](auto t) { seconds = Time(backward, numbers, t); });
  return seconds;
}

}  // namespace gpu_check
}  // namespace dualcontrast
