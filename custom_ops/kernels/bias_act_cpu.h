// Bias, noise and activation on a CPU: loops over a tile around the bodies. Free of TensorFlow.
#ifndef DUALCONTRAST_KERNELS_BIAS_ACT_CPU_H_
#define DUALCONTRAST_KERNELS_BIAS_ACT_CPU_H_

#include <algorithm>
#include <vector>

#include "bias_act_body.h"
#include "cpu_lanes.h"

namespace dualcontrast {
namespace bias_act {

inline void SetCpuTiles(Params* p) { SetTiles(16, std::max(1, std::min(p->channels, 256)), p); }

// Makes blocks [begin, end) of Blocks(p) of y.
template <class T, bool kPieces, bool kStream>
void MakeForward(const Params& params, const T* x, const Accumulator<T>* bias,
                 const Accumulator<T>* noise, T* y, int64_t begin, int64_t end) {
  const Params p = params;  // Which no store can change, so that the compiler keeps what it read.
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    const int channels = std::min(p.chunk, p.channels - where.channel);
    const int rows = static_cast<int>(std::min<int64_t>(p.tile, p.rows - where.row));
    for (int row = 0; row < rows; ++row) {
      const RowSite<T, kPieces> site(p, bias, noise, where, row);
      ForLanes<T>(channels, [&](auto n, int c) {
        site.template Forward<n.value, kStream>(x, y, c);
      });
    }
  }
  if (kStream) StreamFence();
}

// Makes blocks [begin, end) of Blocks(p) of dx, and their sums: [tiles, channels] over rows and
// [chunks, rows] over channels, either of which may be null.
template <class T, bool kPieces, bool kStream>
void MakeBackward(const Params& params, const T* g, const T* reference,
                  const Accumulator<T>* bias, const Accumulator<T>* noise, T* dx,
                  Accumulator<T>* over_rows, Accumulator<T>* over_channels, int64_t begin,
                  int64_t end) {
  using A = Accumulator<T>;
  const Params p = params;
  const bool sums = over_rows || over_channels;
  std::vector<A> cells(sums ? p.tile * p.stride : 0);
  const Shared<A> tile{cells.data()};
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    const int channels = std::min(p.chunk, p.channels - where.channel);
    const int rows = static_cast<int>(std::min<int64_t>(p.tile, p.rows - where.row));
    for (int row = 0; row < rows; ++row) {
      const RowSite<T, kPieces> site(p, bias, noise, where, row);
      ForLanes<T>(channels, [&](auto n, int c) {
        const auto d = site.template Backward<n.value, kStream>(g, reference, dx, c);
        if (sums) tile.template Put<n.value>(row * p.stride + c, d);
      });
    }
    if (over_rows)
      ForLanes<T>(channels, [&](auto n, int c) {
        SumRows<A, n.value>(p, tile, rows, c, over_rows + where.tile * p.channels + where.channel);
      });
    if (over_channels)
      for (int row = 0; row < rows; ++row)
        SumChannels<A, kCpuLanes<T>>(p, tile, row, channels,
                                     over_channels + where.chunk * p.rows + where.row);
  }
  if (kStream) StreamFence();
}

// Return the function that makes blocks. In place, the results are in the caches already.
template <class T>
auto ChooseForward(const Params& p, const T* x, const T* y) {
  const bool stream = x != y && Streams(y, p.rows * p.channels, p.channels);
  if (p.activation != kPieces) return MakeForward<T, false, false>;
  return stream ? MakeForward<T, true, true> : MakeForward<T, true, false>;
}

template <class T>
auto ChooseBackward(const Params& p, const T* g, const T* dx) {
  const bool stream = g != dx && Streams(dx, p.rows * p.channels, p.channels);
  if (p.activation != kPieces) return MakeBackward<T, false, false>;
  return stream ? MakeBackward<T, true, true> : MakeBackward<T, true, false>;
}

// Sums the `count` rows at the start of `scratch`, level by level, into `sums`.
template <class A>
void SumLevels(int64_t count, int64_t columns, A* scratch, A* sums) {
  Level level{count, columns};
  for (bool last = false; !last;) {
    last = level.count <= kGroup;
    A* to = last ? sums : scratch + level.count * columns;
    for (int64_t group = 0; group < std::max<int64_t>(1, Groups(level)); ++group)
      for (int64_t first = 0; first < columns; first += 1 << 20)
        ForLanes<A>(static_cast<int>(std::min<int64_t>(1 << 20, columns - first)),
                    [&](auto n, int c) {
                      SumGroup<A, n.value>(level, scratch, group, first + c, to);
                    });
    level.count = Groups(level);
    scratch = to;
  }
}

}  // namespace bias_act
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_BIAS_ACT_CPU_H_
