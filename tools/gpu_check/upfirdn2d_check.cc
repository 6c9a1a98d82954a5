// Upsample, filter, downsample: the GPU's results against the CPU's, and its times.
#include "harness.h"
#include "upfirdn2d_cpu.h"
#include "upfirdn2d_cuda.h"

namespace dualcontrast {
namespace gpu_check {
namespace {

using upfirdn2d::Attributes;
using upfirdn2d::Params;

// Half of the cases are of the factors and taps that have kernels of their own.
Attributes RandomAttributes(Random* random) {
  Attributes a;
  a.separable = random->Integer(0, 3) > 0;
  const bool special = random->Coin();
  const int64_t kind = random->Integer(0, 2);
  for (int axis = 0; axis < 2; ++axis) {
    a.up.push_back(special ? (kind == 0 ? 2 : 1) : random->Integer(1, 4));
    a.down.push_back(special ? (kind == 1 ? 2 : 1) : random->Integer(1, 4));
    a.filter_shape.push_back(special ? 4 : random->Integer(1, random->Coin() ? 6 : 32));
    for (int end = 0; end < 2; ++end) a.padding.push_back(random->Integer(-3, 5));
  }
  const int64_t height = a.filter_shape[0], width = a.filter_shape[1];
  a.filter = random->Reals<float>(a.separable ? height + width : height * width);
  return a;
}

std::string Describe(const std::vector<int64_t>& x, const Attributes& a, const std::string& type) {
  return "upfirdn2d " + type + " " + Text(x) + (a.separable ? " separable" : " dense") +
         " taps " + Text(a.filter_shape) + " up " + Text(a.up) + " down " +
         Text(a.down) + " padding " + Text(a.padding);
}

template <class T>
void Check(Random* random, const std::string& type, Outcome* outcome) {
  Params params;
  Attributes attributes;
  std::vector<int64_t> x;
  do {  // until there is an output
    attributes = RandomAttributes(random);
    x = {random->Integer(1, 3), random->Integer(1, 70), random->Integer(1, 40),
         random->OneOf<int64_t>({1, 2, 3, 4, 5, 8, 16, 24, 33, 64, 96, 130})};
  } while (!SetParams(x, attributes, &params).empty());
  const std::string name = Describe(x, attributes, type);
  const auto values = random->Reals<T>(x[0] * x[1] * x[2] * x[3]);
  std::vector<T> expected(params.batch * params.y.out * params.x.out * params.channels);
  SetCpuTiles(&params);
  upfirdn2d::ChooseCpu<T>(params, attributes.separable)(params, values.data(), expected.data(), 0,
                                                        Blocks(params));
  const int64_t offset = random->Integer(0, 3) == 0;  // No access of 128 bits then.
  const Array<T> input(values, offset);
  Array<T> output(static_cast<int64_t>(expected.size()), offset);
  const auto runs = ThreeRuns<T>(
      name, &output,
      [&] {
        return Launch(&params, attributes.separable, input.data(), output.data(), nullptr);
      },
      outcome);
  const double products = static_cast<double>(params.y.taps) * params.x.taps;
  Compare(name, runs, expected, false, BoundOfSum(products), outcome);
}

template <class T>
double Time(const std::vector<int64_t>& n, T) {
  Attributes a;
  a.separable = true;
  a.filter.assign(8, 0.25f);
  a.filter_shape = {4, 4};
  a.up = {n[3], n[3]};
  a.down = {n[4], n[4]};
  a.padding = {n[5], n[6], n[5], n[6]};
  Params params;
  Require(SetParams({n[0], n[1], n[1], n[2]}, a, &params));
  const Array<T> x(n[0] * n[1] * n[1] * n[2]);
  const Array<T> y(params.batch * params.y.out * params.x.out * params.channels);
  return Median([&] { return Launch(&params, true, x.data(), y.data(), nullptr); });
}

}  // namespace

void CheckUpfirdn2d(Random* random, const std::string& type, Outcome* outcome) {
  ForType(type, [&](auto t) { Check<decltype(t)>(random, type, outcome); });
}

double TimeUpfirdn2d(const std::vector<int64_t>& numbers, const std::string& type) {
  double seconds = 0;
  ForType(type, [&](auto t) { seconds = Time(numbers, t); });
  return seconds;
}

}  // namespace gpu_check
}  // namespace dualcontrast
