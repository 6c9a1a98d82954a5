// Upsample, filter, downsample on a CPU: loops over a tile around the bodies. Free of TensorFlow.
#ifndef DUALCONTRAST_KERNELS_UPFIRDN2D_CPU_H_
#define DUALCONTRAST_KERNELS_UPFIRDN2D_CPU_H_

#include <algorithm>
#include <vector>

#include "cpu_lanes.h"
#include "upfirdn2d_body.h"

namespace dualcontrast {
namespace upfirdn2d {

// A tile's filtered rows stay in the second-level cache.
inline void SetCpuTiles(Params* p) {
  constexpr int64_t kCells = 96 * 1024;
  const int chunk = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(p->channels, 128)));
  SetTiles(16, 32, chunk, kCells, p);
}

// Makes blocks [begin, end) of Blocks(p). Each output belongs to one block, so that the number of
// threads changes no bit.
template <class T, int kUp, int kDown, int kTaps>
void MakeSeparable(const Params& params, const T* x, T* y, int64_t begin, int64_t end) {
  const Params p = params;  // Which no store can change, so that the compiler keeps what it read.
  using Pass = Separable<T, kUp, kDown, kTaps>;
  const bool stream =
      Streams<T>(y, p.batch * p.y.out * p.x.out * p.channels, static_cast<int>(p.channels));
  std::vector<Accumulator<T>> cells(MidCells(p));
  const Shared<Accumulator<T>> mid{cells.data()};
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    const int channels = static_cast<int>(std::min<int64_t>(p.chunk, p.channels - where.channel));
    const int columns = std::min(p.tile_x, p.x.out - where.x);
    const int rows = std::min(p.tile_y, p.y.out - where.y);
    const int mid_rows = static_cast<int>(RowsOfTile(p.y, rows));
    for (int row = 0; row < mid_rows; ++row)
      for (int column = 0; column < columns; ++column) {
        const typename Pass::RowSite site(p, x, where, row, column);
        ForLanes<T>(channels, [&](auto n, int c) { site.template Make<n.value>(mid, c); });
      }
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; ++column) {
        const typename Pass::ColumnSite site(p, y, where, row, column);
        if (stream)
          ForLanes<T>(channels,
                      [&](auto n, int c) { site.template Make<n.value, true>(mid, c); });
        else
          ForLanes<T>(channels, [&](auto n, int c) { site.template Make<n.value>(mid, c); });
      }
  }
  if (stream) StreamFence();
}

template <class T>
void MakeDense(const Params& p, const T* x, T* y, int64_t begin, int64_t end) {
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    const int channels = static_cast<int>(std::min<int64_t>(p.chunk, p.channels - where.channel));
    const int columns = std::min(p.tile_x, p.x.out - where.x);
    const int rows = std::min(p.tile_y, p.y.out - where.y);
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; ++column) {
        const DenseSite<T> site(p, x, y, where, row, column);
        ForLanes<T>(channels, [&](auto n, int c) { site.template Make<n.value>(c); });
      }
  }
}

// Returns the function that makes blocks; StyleGAN2's three resamplings have their own.
template <class T>
auto ChooseCpu(const Params& p, bool separable) {
  if (!separable) return MakeDense<T>;
  if (Is(p, 2, 1, 4)) return MakeSeparable<T, 2, 1, 4>;
  if (Is(p, 1, 2, 4)) return MakeSeparable<T, 1, 2, 4>;
  if (Is(p, 1, 1, 4)) return MakeSeparable<T, 1, 1, 4>;
  return MakeSeparable<T, 0, 0, 0>;
}

}  // namespace upfirdn2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_UPFIRDN2D_CPU_H_
