// Random calls of bias_act, and how one runs on an emulated machine against the definition.
#ifndef DUALCONTRAST_TESTS_BIAS_ACT_CALLS_H_
#define DUALCONTRAST_TESTS_BIAS_ACT_CALLS_H_

#include "bias_act_cpu.h"
#include "bias_act_oracle.h"
#include "emulation.h"
#include "harness.h"

namespace emulation {
namespace bias_act {

using namespace dualcontrast::bias_act;

struct Call {
  int64_t rows, channels, noise_rows;  // No noise: 0.
  bool bias, over_rows, over_channels, in_place;
  Attributes a;
};

inline Call RandomCall(Random* random) {
  Call call;
  do {
    call.rows = random->Pick<int64_t>({1, 2, 7, 15, 16, 17, 31, 32, 33, 65, 100, 130});
    call.channels = random->Pick<int64_t>({1, 3, 4, 8, 31, 64, 127, 128, 136, 256, 257, 264});
  } while (call.rows * call.channels > 6000);
  // Beyond one level of 64 tiles, of a CPU and of a GPU, in rows; beyond a chunk or two otherwise.
  if (random->Chance(0.06)) {
    call.rows = random->Between(1000, 4300);
    call.channels = random->Pick<int64_t>({1, 4, 8});
  }
  call.noise_rows = 0;
  while (random->Chance(0.7) && call.noise_rows == 0) {
    const int64_t divisor = random->Between(1, call.rows);
    if (call.rows % divisor == 0) call.noise_rows = divisor;
  }
  call.bias = random->Chance(0.6);
  call.over_rows = random->Chance(0.6);
  call.over_channels = random->Chance(0.6);
  call.in_place = random->Chance(0.3);
  const std::string names[] = {"linear", "lrelu", "relu", "sigmoid", "tanh", "swish"};
  call.a.activation = names[random->Between(0, 5)];
  call.a.slope = random->Pick({0.f, 0.2f, 1.f});
  call.a.gain = random->Pick({1.f, 1.4142135f, 0.3f});
  call.a.clamp = random->Pick({0.f, 0.f, 0.5f, 1.3f, 1e-9f});
  call.a.order = IsPieces(call.a.activation) ? 1 : random->Between(1, 3);
  return call;
}

inline std::string Describe(const Call& call) {
  return "x " + Text({call.rows, call.channels}) + " noise " + std::to_string(call.noise_rows) +
         (call.bias ? " bias" : "") + (call.over_rows ? " over_rows" : "") +
         (call.over_channels ? " over_channels" : "") + (call.in_place ? " in_place " : " ") +
         call.a.activation + " order " + std::to_string(call.a.order) + " slope " +
         std::to_string(call.a.slope) + " gain " + std::to_string(call.a.gain) + " clamp " +
         std::to_string(call.a.clamp);
}

// The operands of a call in one type, and what the definition says of an element.
template <class T>
struct Operands {
  using A = Accumulator<T>;
  static constexpr double kUnit = Number<A>::kUnit;
  const Call& call;
  Params p;
  Buffer<T> x, g;
  Buffer<A> bias, noise;

  Operands(const Call& call, int skew, Random* random)
      : call(call),
        x(call.rows * call.channels, skew),
        g(call.rows * call.channels, skew),
        bias(call.bias ? call.channels : 0, skew == 1 ? 1 : 16 / sizeof(A)),
        noise(call.noise_rows, 1) {
    const std::string wrong = SetParams({call.rows, call.channels}, {bias.size()}, {noise.size()},
                                        call.a, &p);
    if (!wrong.empty()) Fail(wrong);
    x.Fill(random, 3);
    g.Fill(random, 1);
    bias.Fill(random, 1);
    noise.Fill(random, 1);
  }

  double Shifted(int64_t row, int64_t channel) const {
    return ToDouble(x.data()[row * call.channels + channel]) +
           (call.bias ? ToDouble(bias.data()[channel]) : 0) +
           (call.noise_rows ? ToDouble(noise.data()[row % call.noise_rows]) : 0);
  }
  // As the type holds it: what is below may be, what is on it was clipped.
  double Clamp() const { return ToDouble(FromDouble<T>(call.a.clamp)); }

  // Of gain times a derivative. The argument is the rounded sum of at most three numbers below 5. A
  // smooth derivative is a polynomial whose terms cancel; beyond the third, so do those of the
  // definition's integral.
  double Bound(double value) const {
    double smooth = 0;
    if (p.activation != kPieces) {
      smooth = 60;
      for (int k = 0; k < kMaxOrder + 2; ++k)
        smooth += 20 * (std::abs(p.derivative[k]) * 5 + std::abs(p.before[k]) * p.order);
    }
    const double integral =
        p.order > 3 ? 1e-14 * std::tgamma(p.order + 1) * std::pow(0.7, -p.order) : 0;
    return call.a.gain * (kUnit * (2 * 3 * 5 + smooth) + integral) + 4 * kUnit * std::abs(value);
  }

  void Forward(std::vector<double>* value, std::vector<double>* bound) const {
    for (int64_t row = 0; row < call.rows; ++row)
      for (int64_t c = 0; c < call.channels; ++c) {
        const double y = call.a.gain *
                         ActivationOracle(call.a.activation, call.a.slope, 0, Shifted(row, c));
        const double limit = call.a.clamp > 0 ? call.a.clamp : INFINITY;
        value->push_back(std::min(std::max(y, -limit), limit));
        bound->push_back(Bound(y));
      }
  }

  // `reference`: y for activations in pieces, else x.
  void Backward(const T* reference, const T* dx, std::vector<double>* value,
                std::vector<double>* bound) const {
    const bool pieces = IsPieces(call.a.activation);
    for (int64_t row = 0; row < call.rows; ++row)
      for (int64_t c = 0; c < call.channels; ++c) {
        const int64_t i = row * call.channels + c;
        const double at = pieces ? ToDouble(reference[i]) : Shifted(row, c);
        const double upstream = ToDouble(g.data()[i]);
        const double y = pieces ? at
                                : call.a.gain * ActivationOracle(call.a.activation, 0, 0, at);
        double d = upstream * call.a.gain *
                   ActivationOracle(call.a.activation, call.a.slope,
                                    static_cast<int>(call.a.order), at);
        const double near = pieces ? 0 : Bound(y);
        // So near to the clamp that rounding decides, either is right.
        const bool either = call.a.clamp > 0 && near > 0 && std::abs(std::abs(y) - Clamp()) <= near;
        if (call.a.clamp > 0 && !either && std::abs(y) >= Clamp()) d = 0;
        if (either && ToDouble(dx[i]) == 0) d = 0;
        value->push_back(d);
        bound->push_back(std::abs(upstream) * (pieces ? 0 : Bound(0)) + 4 * kUnit * std::abs(d));
      }
  }

  // Sums of [rows, channels], to the rounding of chains of additions at most so long.
  void Sums(const std::vector<double>& dx, const std::vector<double>& error, bool over_rows,
            std::vector<double>* sums, std::vector<double>* bound) const {
    const int64_t count = over_rows ? call.channels : call.rows;
    sums->assign(count, 0);
    bound->assign(count, 0);
    for (int64_t row = 0; row < call.rows; ++row)
      for (int64_t c = 0; c < call.channels; ++c) {
        const int64_t i = row * call.channels + c, to = over_rows ? c : row;
        (*sums)[to] += dx[i];
        (*bound)[to] += error[i] + 400 * kUnit * std::abs(dx[i]);
      }
  }
};

// How a machine makes blocks: forward, backward, and the levels of a sum.
template <class T>
struct Cpu {
  using A = Accumulator<T>;
  static constexpr bool kGpu = false;
  Random* random;

  void SetTiles(Params* p) const { SetCpuTiles(p); }

  void Forward(const Params& p, const T* x, const A* bias, const A* noise, T* y) const {
    const auto make = ChooseForward(p, x, y);
    RunPieces(random, Blocks(p), [&](int64_t begin, int64_t end) {
      make(p, x, bias, noise, y, begin, end);
    });
  }
  void Backward(const Params& p, const T* g, const T* reference, const A* bias, const A* noise,
                T* dx, A* over_rows, A* over_channels) const {
    const auto make = ChooseBackward(p, g, dx);
    RunPieces(random, Blocks(p), [&](int64_t begin, int64_t end) {
      make(p, g, reference, bias, noise, dx, over_rows, over_channels, begin, end);
    });
  }
  void Sum(int64_t count, int64_t columns, A* scratch, A* sums) const {
    SumLevels(count, columns, scratch, sums);
  }
};

template <class T, class Machine>
void CheckForward(const Call& call, const Machine& machine, Operands<T>* operands, Digest* digest) {
  Params& p = operands->p;
  std::vector<double> expected, bound;
  operands->Forward(&expected, &bound);
  Buffer<T> y(operands->x.size(), 16 / sizeof(T));
  if (call.in_place) memcpy(static_cast<void*>(y.data()), operands->x.data(), y.Bytes());
  const T* x = call.in_place ? y.data() : operands->x.data();
  machine.SetTiles(&p);
  Launch launch(Machine::kGpu);
  launch.Touch("x", operands->x, kRead).Touch("y", y, call.in_place ? kOverwritten : kWritten);
  launch.Touch("bias", operands->bias, kRead).Touch("noise", operands->noise, kRead);
  machine.Forward(p, x, operands->bias.data(), operands->noise.data(), y.data());
  launch.Finish();
  RequireNear("y", y.data(), expected, bound);
  digest->Add(y);
  // The derivative of an activation in pieces is known from y.
  if (p.activation == kPieces) memcpy(static_cast<void*>(operands->x.data()), y.data(), y.Bytes());
}

template <class T, class Machine>
void CheckBackward(const Call& call, const Machine& machine, Operands<T>* operands,
                   Digest* digest) {
  using A = Accumulator<T>;
  Params& p = operands->p;
  Buffer<T> dx(operands->g.size(), 16 / sizeof(T));
  if (call.in_place) memcpy(static_cast<void*>(dx.data()), operands->g.data(), dx.Bytes());
  const T* g = call.in_place ? dx.data() : operands->g.data();
  machine.SetTiles(&p);
  const int64_t chunks = p.chunks.value;
  Buffer<A> rows(call.over_rows ? ScratchCells(p.tiles, p.channels) : 0);
  Buffer<A> channels(call.over_channels ? ScratchCells(chunks, p.rows) : 0);
  Buffer<A> over_rows(call.over_rows ? p.channels : 0);
  Buffer<A> over_channels(call.over_channels ? p.rows : 0);
  Launch launch(Machine::kGpu);
  launch.Touch("g", operands->g, kRead).Touch("dx", dx, call.in_place ? kOverwritten : kWritten);
  launch.Touch("reference", operands->x, kRead).Touch("bias", operands->bias, kRead);
  launch.Touch("noise", operands->noise, kRead);
  launch.Touch("parts over rows", rows, kScratch).Touch("over_rows", over_rows, kWritten);
  launch.Touch("parts over channels", channels, kScratch);
  launch.Touch("over_channels", over_channels, kWritten);
  machine.Backward(p, g, operands->x.data(), operands->bias.data(), operands->noise.data(),
                   dx.data(), call.over_rows ? rows.data() : nullptr,
                   call.over_channels ? channels.data() : nullptr);
  if (call.over_rows) machine.Sum(p.tiles, p.channels, rows.data(), over_rows.data());
  if (call.over_channels) machine.Sum(chunks, p.rows, channels.data(), over_channels.data());
  launch.Finish();
  std::vector<double> expected, bound, sums, sums_bound;
  operands->Backward(operands->x.data(), dx.data(), &expected, &bound);
  RequireNear("dx", dx.data(), expected, bound);
  if (call.over_rows) {
    operands->Sums(expected, bound, true, &sums, &sums_bound);
    RequireNear("over_rows", over_rows.data(), sums, sums_bound);
  }
  if (call.over_channels) {
    operands->Sums(expected, bound, false, &sums, &sums_bound);
    RequireNear("over_channels", over_channels.data(), sums, sums_bound);
  }
  digest->Add(dx);
  digest->Add(over_rows);
  digest->Add(over_channels);
}

template <class T, class Machine>
void Check(const Call& call, int skew, const Machine& machine, Digest* digest) {
  Operands<T> operands(call, skew, machine.random);
  CheckForward<T>(call, machine, &operands, digest);
  CheckBackward<T>(call, machine, &operands, digest);
}

}  // namespace bias_act
}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_BIAS_ACT_CALLS_H_
