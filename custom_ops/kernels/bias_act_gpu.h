// Bias, noise and activation on a GPU: how a block's threads share a tile. Free of CUDA, so that the
// checking emulator runs the same.
#ifndef DUALCONTRAST_KERNELS_BIAS_ACT_GPU_H_
#define DUALCONTRAST_KERNELS_BIAS_ACT_GPU_H_

#include "bias_act_body.h"

namespace dualcontrast {
namespace bias_act {

// A warp takes 32 packs of channels of a row.
constexpr int kPacks = 32;
constexpr int kTile = 32;

// Channels of a chunk. It is the same whether accesses are of 128 bits or, where the channels do not
// fill them, of one channel.
template <class T>
constexpr int kGpuChunk = kPacks * 16 / sizeof(T);

template <class T>
void SetGpuTiles(Params* p) {
  SetTiles(kTile, kGpuChunk<T>, p);
}

inline int64_t TileCells(const Params& p) { return static_cast<int64_t>(p.tile) * p.stride; }

// Calls body(first channel) for a thread's packs of a row of a chunk: a number that is known when
// compiling, and 1 where packs are of 128 bits.
template <class T, int N, class Body>
DC_HD void ForPacks(int thread, int channels, const Body& body) {
  for (int pack = 0; pack < kGpuChunk<T> / (kPacks * N); ++pack) {
    const int channel = (pack * kPacks + thread % kPacks) * N;
    if (channel < channels) body(channel);
  }
}

template <class T, int N, bool kPieces, int kThreads>
struct ForwardBlock {
  static DC_HD void Run(const Params& p, const T* x, const float* bias, const float* noise, T* y,
                        const Where& where, int thread) {
    const int left = p.channels - where.channel, channels = left < p.chunk ? left : p.chunk;
    for (int row = thread / kPacks; row < p.tile && where.row + row < p.rows;
         row += kThreads / kPacks) {
      const RowSite<T, kPieces> site(p, bias, noise, where, row);
      ForPacks<T, N>(thread, channels, [&](int c) { site.template Forward<N>(x, y, c); });
    }
  }
};

// Phase 0 makes dx, phase 1 the sums of the tile.
template <class T, int N, bool kPieces, int kThreads>
struct BackwardBlock {
  static constexpr int kPhases = 2;

  static DC_HD void Run(int phase, const Params& p, const T* g, const T* reference,
                        const float* bias, const float* noise, T* dx, float* over_rows,
                        float* over_channels, const Where& where, const Shared<float>& tile,
                        int thread) {
    const int left = p.channels - where.channel, channels = left < p.chunk ? left : p.chunk;
    const int64_t below = p.rows - where.row;
    const int rows = below < p.tile ? static_cast<int>(below) : p.tile;
    const bool sums = over_rows || over_channels;
    if (phase == 0) {
      for (int row = thread / kPacks; row < rows; row += kThreads / kPacks) {
        const RowSite<T, kPieces> site(p, bias, noise, where, row);
        ForPacks<T, N>(thread, channels, [&](int c) {
          const auto d = site.template Backward<N>(g, reference, dx, c);
          if (sums) tile.template Put<N>(row * p.stride + c, d);
        });
      }
      return;
    }
    if (over_rows)
      for (int c = thread; c < channels; c += kThreads)
        SumRows<float, 1>(p, tile, rows, c, over_rows + where.tile * p.channels + where.channel);
    // From the last thread on, which has no channel to sum where there are few.
    if (over_channels)
      for (int row = kThreads - 1 - thread; row < rows; row += kThreads)
        SumChannels<float, 4>(p, tile, row, channels,
                              over_channels + where.chunk * p.rows + where.row);
  }
};

// One thread a group and column; a block has `kThreads` columns of one group.
struct SumLaunch {
  Level level;
  Divisor column_blocks;
  int64_t blocks;

  SumLaunch(int64_t count, int64_t columns, int threads)
      : level{count, columns},
        column_blocks(static_cast<int>((columns + threads - 1) / threads)),
        blocks((count > 0 ? Groups(level) : 1) * column_blocks.value) {}
};

template <int kThreads>
struct SumBlock {
  static DC_HD void Run(const SumLaunch& launch, const float* parts, float* sums, int block,
                        int thread) {
    const int group = launch.column_blocks.Quotient(block);
    const int64_t first = static_cast<int64_t>(block - group * launch.column_blocks.value);
    const int64_t column = first * kThreads + thread;
    if (column < launch.level.columns)
      SumGroup<float, 1>(launch.level, parts, group, column, sums);
  }
};

}  // namespace bias_act
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_BIAS_ACT_GPU_H_
