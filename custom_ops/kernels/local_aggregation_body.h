// Local aggregation and its two derivatives: the arithmetic.
//
// All come from sum g[p, m] w[p, t] v[p + t], over pixels p, taps t and groups m of channels:
// Output, Weights and Values are its derivatives by g, by w and by v. Each gathers what it sums, so
// that nothing is added to memory by two threads.
#ifndef DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_BODY_H_
#define DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_BODY_H_

#include <type_traits>

#include "local_aggregation_params.h"
#include "platform.h"

namespace dualcontrast {
namespace local_aggregation {

// The first site that a block makes.
struct Where {
  int64_t sample;
  int y, x, map;
};

DC_HD Where Locate(const Params& p, int block) {
  Where where;
  int rest = p.chunks.Quotient(block);
  where.map = (block - rest * p.chunks.value) * p.chunk;
  block = rest;
  rest = p.tiles_x.Quotient(block);
  where.x = (block - rest * p.tiles_x.value) * p.tile_x;
  block = rest;
  rest = p.rows.Quotient(block);
  where.y = block - rest * p.rows.value;
  where.sample = rest;
  return where;
}

// Sizes in memory that all three share.
struct Strides {
  int64_t channels, weights_pixel, values_row, output_row;

  DC_HD explicit Strides(const Params& p)
      : channels(static_cast<int64_t>(p.groups) * p.maps),
        weights_pixel(static_cast<int64_t>(p.window) * p.window * p.maps),
        values_row((p.width + p.window - 1) * channels),
        output_row(p.width * channels) {}
};

// A pixel of the output, and its place in every tensor.
template <class T>
struct PixelSite {
  using A = Accumulator<T>;
  Strides strides;
  int window, maps;
  int64_t weights, values, output;

  DC_HD PixelSite(const Params& p, const Where& where, int column)
      : strides(p), window(p.window), maps(p.maps) {
    const int64_t row = where.sample * p.height + where.y, x = where.x + column;
    weights = (row * p.width + x) * strides.weights_pixel;
    output = row * strides.output_row + x * strides.channels;
    values = (where.sample * (p.height + p.window - 1) + where.y) * strides.values_row +
             x * strides.channels;
  }

  // out[p, m] = sum over t of w[p, t] v[p + t], of groups [group, group + M), maps [map, map + N).
  template <int M, int N>
  DC_HD void Output(const T* w, const T* v, T* out, int group, int map) const {
    Lanes<A, N> sums[M];
    DC_UNROLL
    for (int m = 0; m < M; ++m) sums[m] = Broadcast<N>(A(0));
    const int64_t first = static_cast<int64_t>(group) * maps + map;
    const T* weight = w + weights + map;
    const T* row = v + values + first;
    for (int y = 0; y < window; ++y, row += strides.values_row) {
      const T* value = row;
      for (int x = 0; x < window; ++x, value += strides.channels, weight += maps) {
        const auto factor = Load<N>(weight);
        DC_UNROLL
        for (int m = 0; m < M; ++m)
          sums[m] = MultiplyAdd(factor, Load<N>(value + m * maps), sums[m]);
      }
    }
    DC_UNROLL
    for (int m = 0; m < M; ++m) Store<T, N>(out + output + first + m * maps, sums[m]);
  }

  // dw[p, t] = sum over m of g[p, m] v[p + t], of maps [map, map + N). The first M groups of g are
  // kept, any others read again for every tap.
  template <int M, int N>
  DC_HD void Weights(const T* g, const T* v, T* dw, int groups, int map) const {
    Lanes<A, N> factors[M ? M : 1];
    DC_UNROLL
    for (int m = 0; m < M; ++m) factors[m] = Load<N>(g + output + m * maps + map);
    T* weight = dw + weights + map;
    const T* row = v + values + map;
    for (int y = 0; y < window; ++y, row += strides.values_row) {
      const T* value = row;
      for (int x = 0; x < window; ++x, value += strides.channels, weight += maps) {
        auto sum = Broadcast<N>(A(0));
        DC_UNROLL
        for (int m = 0; m < M; ++m)
          sum = MultiplyAdd(factors[m], Load<N>(value + m * maps), sum);
        for (int m = M; m < groups; ++m)
          sum = MultiplyAdd(Load<N>(g + output + m * maps + map), Load<N>(value + m * maps), sum);
        Store<T, N>(weight, sum);
      }
    }
  }
};

// A pixel of the padded values.
template <class T>
struct ValueSite {
  using A = Accumulator<T>;
  Strides strides;
  int window, maps, width;
  int top, bottom, left, right;  // The taps whose pixels lie inside of the output.
  int64_t weights, output, values;

  DC_HD ValueSite(const Params& p, const Where& where, int column)
      : strides(p), window(p.window), maps(p.maps), width(p.width) {
    const int y = where.y, x = where.x + column;
    top = y < p.height ? 0 : y - p.height + 1;
    bottom = y < window ? y + 1 : window;
    left = x < p.width ? 0 : x - p.width + 1;
    right = x < window ? x + 1 : window;
    // Of pixel [y, x] of the output, which may lie outside of it; taps step back from there.
    const int64_t row = where.sample * p.height + y;
    weights = (row * p.width + x) * strides.weights_pixel;
    output = row * strides.output_row + x * strides.channels;
    values = (where.sample * (p.height + p.window - 1) + y) * strides.values_row +
             x * strides.channels;
  }

  // dv[q, m] = sum over t of w[q - t, t] g[q - t, m], of groups [group, group + M), maps
  // [map, map + N).
  template <int M, int N>
  DC_HD void Values(const T* w, const T* g, T* dv, int group, int map) const {
    Lanes<A, N> sums[M];
    DC_UNROLL
    for (int m = 0; m < M; ++m) sums[m] = Broadcast<N>(A(0));
    const int64_t first = static_cast<int64_t>(group) * maps + map;
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) {
        const int64_t back = static_cast<int64_t>(y) * width + x, tap = y * window + x;
        const auto factor =
            Load<N>(w + weights - back * strides.weights_pixel + tap * maps + map);
        const T* upstream = g + output - back * strides.channels + first;
        DC_UNROLL
        for (int m = 0; m < M; ++m)
          sums[m] = MultiplyAdd(factor, Load<N>(upstream + m * maps), sums[m]);
      }
    DC_UNROLL
    for (int m = 0; m < M; ++m) Store<T, N>(dv + values + first + m * maps, sums[m]);
  }
};

template <int M>
using Count = std::integral_constant<int, M>;

// Calls body(constant count, first) for 8, 4, 2, 1 groups at a time: the sums stay in registers.
template <class Body>
DC_HD void ForGroups(int groups, const Body& body) {
  int group = 0;
  for (; group + 8 <= groups; group += 8) body(Count<8>(), group);
  for (; group + 4 <= groups; group += 4) body(Count<4>(), group);
  for (; group + 2 <= groups; group += 2) body(Count<2>(), group);
  for (; group < groups; ++group) body(Count<1>(), group);
}

}  // namespace local_aggregation
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_BODY_H_
