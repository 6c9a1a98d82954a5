// Upsample, filter, downsample on a GPU: how a block's threads share a tile. Free of CUDA, so that
// the checking emulator runs the same.
#ifndef DUALCONTRAST_KERNELS_UPFIRDN2D_GPU_H_
#define DUALCONTRAST_KERNELS_UPFIRDN2D_GPU_H_

#include "upfirdn2d_body.h"

namespace dualcontrast {
namespace upfirdn2d {

// A warp takes 8 packs of channels of 4 neighbouring columns; all are powers of 2, so that no
// thread divides.
constexpr int kPacks = 8;

// Channels in one access of 128 bits, or 1 where a pixel's channels do not fill such accesses.
template <class T>
constexpr int kGpuLanes = 16 / sizeof(T);

// Static shared memory has 48 KB: cells of 4 bytes.
constexpr int64_t kGpuCells = 12 * 1024;

inline void SetGpuTiles(int lanes, Params* p) {
  SetTiles(16, 8, kPacks * lanes, kGpuCells, p);
  // Of filters of more than 24 taps, 8 packs of 8 channels do not fit: half of the threads idle.
  if (MidCells(*p) > kGpuCells) SetTiles(16, 8, kPacks / 2 * lanes, kGpuCells, p);
}

// Which outputs a thread makes: its pack of channels in a column, in every kRows-th row.
struct Thread {
  int pack, column, row;
};

template <int kThreads>
DC_HD Thread Split(int thread) {
  return {thread % kPacks, thread / kPacks % 8, thread / kPacks / 8};
}
template <int kThreads>
constexpr int kRows = kThreads / kPacks / 8;

// Filters rows, then columns: between the phases every thread waits for the block.
template <class T, int N, int kUp, int kDown, int kTaps, int kThreads>
struct SeparableBlock {
  using Pass = Separable<T, kUp, kDown, kTaps>;
  static constexpr int kPhases = Pass::kPhases;

  static DC_HD void Run(int phase, const Params& p, const T* x, T* y, const Where& where,
                        const Shared<Accumulator<T>>& mid, int thread) {
    const Thread mine = Split<kThreads>(thread);
    const int channel = mine.pack * N;
    if (channel >= p.chunk || where.channel + channel >= p.channels) return;
    if (where.x + mine.column >= p.x.out) return;
    if (phase == 0) {
      for (int row = mine.row; row < p.mid_y; row += kRows<kThreads>)
        typename Pass::RowSite(p, x, where, row, mine.column).template Make<N>(mid, channel);
    } else {
      const int rows = p.y.out - where.y < p.tile_y ? p.y.out - where.y : p.tile_y;
      for (int row = mine.row; row < rows; row += kRows<kThreads>)
        typename Pass::ColumnSite(p, y, where, row, mine.column).template Make<N>(mid, channel);
    }
  }
};

template <class T, int N, int kThreads>
struct DenseBlock {
  static constexpr int kPhases = 1;

  static DC_HD void Run(int, const Params& p, const T* x, T* y, const Where& where,
                        const Shared<Accumulator<T>>&, int thread) {
    const Thread mine = Split<kThreads>(thread);
    const int channel = mine.pack * N;
    if (channel >= p.chunk || where.channel + channel >= p.channels) return;
    if (where.x + mine.column >= p.x.out) return;
    const int rows = p.y.out - where.y < p.tile_y ? p.y.out - where.y : p.tile_y;
    for (int r = mine.row; r < rows; r += kRows<kThreads>)
      DenseSite<T>(p, x, y, where, r, mine.column).template Make<N>(channel);
  }
};

}  // namespace upfirdn2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_UPFIRDN2D_GPU_H_
