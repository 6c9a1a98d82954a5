// Bias, noise and activation in one pass: the arithmetic.
//
// Order 0: y = clip(gain * f(x + bias + noise)). Order k: dx = g * gain * the k-th derivative of f,
// 0 where y was clipped, and its sums over rows (the bias's) and over channels (the noise's).
#ifndef DUALCONTRAST_KERNELS_BIAS_ACT_BODY_H_
#define DUALCONTRAST_KERNELS_BIAS_ACT_BODY_H_

#include <cmath>

#include "bias_act_params.h"
#include "platform.h"

namespace dualcontrast {
namespace bias_act {

// The tile that a block makes: its first row and channel, its number among tiles and chunks.
struct Where {
  int64_t row, tile;
  int channel, chunk;
};

DC_HD Where Locate(const Params& p, int block) {
  Where where;
  where.tile = p.chunks.Quotient(block);
  where.chunk = block - static_cast<int>(where.tile) * p.chunks.value;
  where.row = where.tile * p.tile;
  where.channel = where.chunk * p.chunk;
  return where;
}

template <class A>
DC_HD A Sigmoid(A x) {
  // Of the smaller exponential: none overflows.
  const A e = std::exp(x < A(0) ? x : -x);
  return (x < A(0) ? e : A(1)) / (A(1) + e);
}

template <class A>
DC_HD A Polynomial(const double (&coefficients)[kMaxOrder + 2], int degree, A s) {
  A sum = A(0);
  for (int k = degree; k >= 0; --k) sum = sum * s + A(coefficients[k]);
  return sum;
}

// The derivative of p.order of a smooth activation at x.
template <class A>
DC_HD A Smooth(const Params& p, int order, A x) {
  const A s = p.activation == kTanh ? std::tanh(x) : Sigmoid(x);
  if (p.activation != kSwish) return order ? Polynomial(p.derivative, order + 1, s) : s;
  return order ? x * Polynomial(p.derivative, order + 1, s) +
                     A(order) * Polynomial(p.before, order, s)
               : x * s;
}

// What a row shares. kPieces: the activation is linear in pieces; `reference` is then y, whose sign
// is x's, and else x.
template <class T, bool kPieces>
struct RowSite {
  using A = Accumulator<T>;
  const Params& p;
  int64_t offset, noise_row;
  const A* bias;
  A noise, slope, gain, clamp;

  DC_HD RowSite(const Params& p, const A* bias, const A* noise, const Where& where, int row)
      : p(p),
        offset((where.row + row) * p.channels + where.channel),
        bias(p.bias ? bias + where.channel : nullptr),
        slope(static_cast<A>(p.slope)),
        gain(static_cast<A>(p.gain)),
        // One so small that T holds it as 0 clips all the same.
        clamp(static_cast<A>(p.clamp) > A(0) ? Widen(Narrow<T>(static_cast<A>(p.clamp)))
                                             : A(-1)) {
    const int r = static_cast<int>(where.row + row);
    noise_row = p.noise ? r - p.noise_rows.Quotient(r) * p.noise_rows.value : 0;
    this->noise = p.noise ? Load<1>(noise + noise_row).v[0] : A(0);
  }

  template <int N>
  DC_HD Lanes<A, N> Shifted(const T* x, int channel) const {
    auto v = Load<N>(x + offset + channel) + Broadcast<N>(noise);
    return bias ? v + Load<N>(bias + channel) : v;
  }

  template <int N>
  DC_HD Lanes<A, N> Value(const Lanes<A, N>& v) const {
    if (kPieces)
      return WherePositive(v, v, v * Broadcast<N>(slope)) * Broadcast<N>(gain);
    return Map(v, [&](A x, int) { return Smooth(p, 0, x) * gain; });
  }

  // kStream: past the caches, see platform.h.
  template <int N, bool kStream = false>
  DC_HD void Forward(const T* x, T* y, int channel) const {
    auto value = Value(Shifted<N>(x, channel));
    if (clamp >= A(0)) value = Clip(value, clamp);
    Put<N, kStream>(y + offset + channel, value);
  }

  // Returns dx, before it is rounded to T.
  template <int N, bool kStream = false>
  DC_HD Lanes<A, N> Backward(const T* g, const T* reference, T* dx, int channel) const {
    const auto upstream = Load<N>(g + offset + channel);
    Lanes<A, N> d, value;
    if (kPieces) {
      value = Load<N>(reference + offset + channel);
      d = upstream * WherePositive(value, Broadcast<N>(gain), Broadcast<N>(gain * slope));
    } else {
      const auto v = Shifted<N>(reference, channel);
      value = Value(v);
      d = upstream * Map(v, [&](A x, int) { return Smooth(p, p.order, x) * gain; });
    }
    if (clamp >= A(0)) d = WhereBelow(value, clamp, d);
    Put<N, kStream>(dx + offset + channel, d);
    return d;
  }

  template <int N, bool kStream>
  DC_HD void Put(T* address, const Lanes<A, N>& lanes) const {
    if (kStream)
      Stream<T, N>(address, lanes);
    else
      Store<T, N>(address, lanes);
  }
};

// Phase 1 of a tile of dx in shared memory: the sum of a channel over the tile's rows.
template <class A, int N>
DC_HD void SumRows(const Params& p, const Shared<A>& tile, int rows, int channel, A* sums) {
  auto sum = Broadcast<N>(A(0));
  for (int row = 0; row < rows; ++row)
    sum = sum + tile.template Get<N>(static_cast<int64_t>(row) * p.stride + channel);
  Store<A, N>(sums + channel, sum);
}

// Phase 1 of a tile of dx in shared memory: the sum of a row over the tile's channels.
template <class A, int N>
DC_HD void SumChannels(const Params& p, const Shared<A>& tile, int row, int channels, A* sums) {
  const int64_t cell = static_cast<int64_t>(row) * p.stride;
  auto packs = Broadcast<N>(A(0));
  int channel = 0;
  for (; channel + N <= channels; channel += N)
    packs = packs + tile.template Get<N>(cell + channel);
  A sum = Sum(packs);
  for (; channel < channels; ++channel) sum += tile.template Get<1>(cell + channel).v[0];
  Store<A, 1>(sums + row, Broadcast<1>(sum));
}

// One level of a sum in fixed order: rows [group * kGroup, ...) of `parts` become row `group`.
template <class A, int N>
DC_HD void SumGroup(const Level& level, const A* parts, int64_t group, int64_t column, A* sums) {
  const int64_t begin = group * kGroup;
  const int64_t end = begin + kGroup < level.count ? begin + kGroup : level.count;
  auto sum = Broadcast<N>(A(0));
  for (int64_t row = begin; row < end; ++row)
    sum = sum + Load<N>(parts + row * level.columns + column);
  Store<A, N>(sums + group * level.columns + column, sum);
}

}  // namespace bias_act
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_BIAS_ACT_BODY_H_
