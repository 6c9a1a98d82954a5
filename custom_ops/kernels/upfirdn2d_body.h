// Upsample, filter, downsample: the arithmetic.
//
// Output o of an axis is the sum over taps t of filter[t] * pixel[i], where o * down - pad + t is
// the place i * up of a pixel; the zeros between pixels are never touched.
#ifndef DUALCONTRAST_KERNELS_UPFIRDN2D_BODY_H_
#define DUALCONTRAST_KERNELS_UPFIRDN2D_BODY_H_

#include "platform.h"
#include "upfirdn2d_params.h"

namespace dualcontrast {
namespace upfirdn2d {

// The tile that a block makes.
struct Where {
  int64_t sample;
  int y, x, channel;  // Its first output.
  int first_row;      // The first row of pixels that it meets.
};

// The first tap that falls on a pixel, and that pixel, which may lie outside of the image.
struct Meeting {
  int tap, pixel;
};

// kUp, kDown: of the axis, or 0 where only the call knows.
template <int kUp, int kDown>
DC_HD Meeting Meet(const Axis& axis, int out) {
  const int start = out * (kDown ? kDown : axis.down) - axis.pad;
  if (kUp == 1) return {0, start};
  const int up = kUp ? kUp : axis.up.value;
  const int ahead = start >= 0 ? start + up - 1 : -start;
  // A division by a constant is a shift or a multiplication already.
  const int quotient = kUp ? ahead / (kUp ? kUp : 1) : axis.up.Quotient(ahead);
  // Rounds up for either sign.
  const int pixel = start >= 0 ? quotient : -quotient;
  return {pixel * up - start, pixel};
}

DC_HD Where Locate(const Params& p, int block) {
  Where where;
  int rest = p.chunks.Quotient(block);
  where.channel = (block - rest * p.chunks.value) * p.chunk;
  block = rest;
  rest = p.tiles_x.Quotient(block);
  where.x = (block - rest * p.tiles_x.value) * p.tile_x;
  block = rest;
  rest = p.tiles_y.Quotient(block);
  where.y = (block - rest * p.tiles_y.value) * p.tile_y;
  where.sample = rest;
  where.first_row = Meet<0, 0>(p.y, where.y).pixel;
  return where;
}

DC_HD int64_t Offset(const Params& p, const Axis& y, const Axis& x, int64_t sample, int row,
                     int column, bool output) {
  const int64_t height = output ? y.out : y.in, width = output ? x.out : x.in;
  return ((sample * height + row) * width + column) * p.channels;
}

// The taps that fall on pixels, for one output of an axis. kTaps, kUp: as below.
template <class A, int kUp, int kTaps>
struct Weights {
  static_assert(kTaps % kUp == 0, "as many taps on pixels wherever an output lies");
  static constexpr int kCount = kTaps / kUp;
  A values[kCount];

  DC_HD Weights(const Axis&, const float* filter, int tap) {
    DC_UNROLL
    for (int k = 0; k < kCount; ++k) values[k] = filter[tap + k * kUp];
  }
  DC_HD A operator[](int k) const { return values[k]; }
  DC_HD int Count() const { return kCount; }
};

template <class A, int kUp>
struct Weights<A, kUp, 0> {
  static constexpr int kCount = 0;  // Unknown.
  const float* filter;
  int up, count;

  DC_HD Weights(const Axis& axis, const float* all, int tap)
      : filter(all + tap),
        up(axis.up.value),
        count(axis.up.Quotient(axis.taps - tap + axis.up.value - 1)) {}
  DC_HD A operator[](int k) const { return filter[k * up]; }
  DC_HD int Count() const { return count; }
};

// Filters rows, then columns. kUp, kDown, kTaps: of both axes, or 0 where only the call knows.
// A phase is made of sites and their channels, N at a time.
template <class T, int kUp, int kDown, int kTaps>
struct Separable {
  using A = Accumulator<T>;
  using Taps = Weights<A, kUp ? kUp : 1, kTaps>;
  static constexpr int kPhases = 2;

  // Phase 0: a row of pixels, a column of outputs.
  struct RowSite {
    Taps weights;
    const T* pixels;
    int64_t channels, cell;
    int begin, end;  // The weights whose pixels lie inside of the image.

    DC_HD RowSite(const Params& p, const T* x, const Where& where, int row, int column)
        : RowSite(p, x, where, row, column, Meet<kUp, kDown>(p.x, where.x + column)) {}

    DC_HD RowSite(const Params& p, const T* x, const Where& where, int row, int column,
                  Meeting meeting)
        : weights(p.x, p.filter + kMaxTaps, meeting.tap),
          pixels(x +
                 Offset(p, p.y, p.x, where.sample, where.first_row + row, meeting.pixel, false) +
                 where.channel),
          channels(p.channels),
          cell((static_cast<int64_t>(row) * p.tile_x + column) * p.chunk) {
      const int pixel_row = where.first_row + row, left = p.x.in - meeting.pixel;
      const bool inside = pixel_row >= 0 && pixel_row < p.y.in;
      begin = meeting.pixel < 0 ? -meeting.pixel : 0;
      end = !inside ? 0 : left < weights.Count() ? left : weights.Count();
    }

    template <int N>
    DC_HD void Make(const Shared<A>& mid, int channel) const {
      auto sum = Broadcast<N>(A(0));
      if (kTaps && begin == 0 && end == weights.Count()) {
        DC_UNROLL
        for (int k = 0; k < Taps::kCount; ++k) sum = Add<N>(k, channel, sum);
      } else if (kTaps) {
        DC_UNROLL
        for (int k = 0; k < Taps::kCount; ++k)
          if (begin <= k && k < end) sum = Add<N>(k, channel, sum);
      } else {
        for (int k = begin; k < end; ++k) sum = Add<N>(k, channel, sum);
      }
      mid.template Put<N>(cell + channel, sum);
    }

    template <int N>
    DC_HD Lanes<A, N> Add(int k, int channel, const Lanes<A, N>& sum) const {
      return MultiplyAdd(Load<N>(pixels + k * channels + channel), Broadcast<N>(weights[k]), sum);
    }
  };

  // Phase 1: a row and a column of outputs, which must be ones of the image.
  struct ColumnSite {
    Taps weights;
    T* output;
    int64_t cell, stride;

    DC_HD ColumnSite(const Params& p, T* y, const Where& where, int row, int column)
        : ColumnSite(p, y, where, row, column, Meet<kUp, kDown>(p.y, where.y + row)) {}

    DC_HD ColumnSite(const Params& p, T* y, const Where& where, int row, int column,
                     Meeting meeting)
        : weights(p.y, p.filter, meeting.tap),
          output(y + Offset(p, p.y, p.x, where.sample, where.y + row, where.x + column, true) +
                 where.channel),
          stride(static_cast<int64_t>(p.tile_x) * p.chunk) {
      cell = (meeting.pixel - where.first_row) * stride + static_cast<int64_t>(column) * p.chunk;
    }

    template <int N, bool kStream = false>
    DC_HD void Make(const Shared<A>& mid, int channel) const {
      auto sum = Broadcast<N>(A(0));
      if (kTaps) {
        DC_UNROLL
        for (int k = 0; k < Taps::kCount; ++k) sum = Add<N>(mid, k, channel, sum);
      } else {
        for (int k = 0; k < weights.Count(); ++k) sum = Add<N>(mid, k, channel, sum);
      }
      if (kStream)
        Stream<T, N>(output + channel, sum);
      else
        Store<T, N>(output + channel, sum);
    }

    template <int N>
    DC_HD Lanes<A, N> Add(const Shared<A>& mid, int k, int channel, const Lanes<A, N>& sum) const {
      return MultiplyAdd(mid.template Get<N>(cell + k * stride + channel),
                         Broadcast<N>(weights[k]), sum);
    }
  };
};

// Any filter, in one phase: a row and a column of outputs.
template <class T>
struct DenseSite {
  using A = Accumulator<T>;
  const Params& p;
  const T* pixels;
  T* output;
  Meeting down, across;

  DC_HD DenseSite(const Params& p, const T* x, T* y, const Where& where, int row, int column)
      : p(p),
        pixels(x + Offset(p, p.y, p.x, where.sample, 0, 0, false) + where.channel),
        output(y + Offset(p, p.y, p.x, where.sample, where.y + row, where.x + column, true) +
               where.channel),
        down(Meet<0, 0>(p.y, where.y + row)),
        across(Meet<0, 0>(p.x, where.x + column)) {}

  template <int N>
  DC_HD void Make(int channel) const {
    auto sum = Broadcast<N>(A(0));
    for (int s = down.tap, i = down.pixel; s < p.y.taps; s += p.y.up.value, ++i)
      for (int t = across.tap, j = across.pixel; t < p.x.taps; t += p.x.up.value, ++j)
        if (i >= 0 && i < p.y.in && j >= 0 && j < p.x.in)
          sum = MultiplyAdd(
              Load<N>(pixels + (static_cast<int64_t>(i) * p.x.in + j) * p.channels + channel),
              Broadcast<N>(A(p.filter[s * p.x.taps + t])), sum);
    Store<T, N>(output + channel, sum);
  }
};

}  // namespace upfirdn2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_UPFIRDN2D_BODY_H_
