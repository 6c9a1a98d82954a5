// Local aggregation on a GPU: how a block's threads share a row of pixels. Free of CUDA, so that the
// checking emulator runs the same.
#ifndef DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_GPU_H_
#define DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_GPU_H_

#include "local_aggregation_body.h"

namespace dualcontrast {
namespace local_aggregation {

// A warp takes 16 packs of maps of 2 neighbouring pixels; 8 groups of channels stay in registers, so
// packs are of 64 bits only.
constexpr int kPacks = 16;

template <class T>
constexpr int kGpuLanes = 8 / sizeof(T);

template <int kThreads>
void SetGpuTiles(bool of_values, int lanes, Params* p) {
  const int border = of_values ? p->window - 1 : 0;
  SetTiles(kThreads / kPacks, kPacks * lanes, p->height + border, p->width + border, p);
}

// The three kernels, each in one phase and without shared memory: neighbours find each other's
// values in the first-level cache.
template <class T, int N>
struct OutputBlock {
  static DC_HD void Run(const Params& p, const T* w, const T* v, T* out, const Where& where,
                        int thread) {
    const int map = where.map + thread % kPacks * N, column = thread / kPacks;
    if (map >= p.maps || where.x + column >= p.width) return;
    const PixelSite<T> site(p, where, column);
    ForGroups(p.groups, [&](auto m, int group) {
      site.template Output<m.value, N>(w, v, out, group, map);
    });
  }
};

template <class T, int N>
struct WeightsBlock {
  static DC_HD void Run(const Params& p, const T* g, const T* v, T* dw, const Where& where,
                        int thread) {
    const int map = where.map + thread % kPacks * N, column = thread / kPacks;
    if (map >= p.maps || where.x + column >= p.width) return;
    const PixelSite<T> site(p, where, column);
    if (p.groups >= 8)
      site.template Weights<8, N>(g, v, dw, p.groups, map);
    else if (p.groups >= 4)
      site.template Weights<4, N>(g, v, dw, p.groups, map);
    else
      site.template Weights<0, N>(g, v, dw, p.groups, map);
  }
};

template <class T, int N>
struct ValuesBlock {
  static DC_HD void Run(const Params& p, const T* w, const T* g, T* dv, const Where& where,
                        int thread) {
    const int map = where.map + thread % kPacks * N, column = thread / kPacks;
    if (map >= p.maps || where.x + column >= p.width + p.window - 1) return;
    const ValueSite<T> site(p, where, column);
    ForGroups(p.groups, [&](auto m, int group) {
      site.template Values<m.value, N>(w, g, dv, group, map);
    });
  }
};

}  // namespace local_aggregation
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_GPU_H_
