// Local aggregation on a CPU: loops over a row of pixels around the bodies. Free of TensorFlow.
#ifndef DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_CPU_H_
#define DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_CPU_H_

#include <algorithm>

#include "cpu_lanes.h"
#include "local_aggregation_body.h"

namespace dualcontrast {
namespace local_aggregation {

// A block is a row of pixels with all of its maps: of the output, or of the values.
inline void SetCpuTiles(bool of_values, Params* p) {
  const int border = of_values ? p->window - 1 : 0;
  SetTiles(std::max(1, p->width + border), p->maps, p->height + border, p->width + border, p);
}

// Each of the three makes blocks [begin, end) of Blocks(p).
template <class T>
void MakeOutput(const Params& params, const T* w, const T* v, T* out, int64_t begin, int64_t end) {
  const Params p = params;
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    for (int column = 0; column < p.width; ++column) {
      const PixelSite<T> site(p, where, column);
      ForGroups(p.groups, [&](auto m, int group) {
        ForLanes<T>(p.maps, [&](auto n, int map) {
          site.template Output<m.value, n.value>(w, v, out, group, map);
        });
      });
    }
  }
}

template <class T, int M>
void MakeWeights(const Params& params, const T* g, const T* v, T* dw, int64_t begin, int64_t end) {
  const Params p = params;
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    for (int column = 0; column < p.width; ++column) {
      const PixelSite<T> site(p, where, column);
      ForLanes<T>(p.maps, [&](auto n, int map) {
        site.template Weights<M, n.value>(g, v, dw, p.groups, map);
      });
    }
  }
}

template <class T>
void MakeValues(const Params& params, const T* w, const T* g, T* dv, int64_t begin, int64_t end) {
  const Params p = params;
  for (int64_t block = begin; block < end; ++block) {
    const Where where = Locate(p, static_cast<int>(block));
    for (int column = 0; column < p.tile_x; ++column) {
      const ValueSite<T> site(p, where, column);
      ForGroups(p.groups, [&](auto m, int group) {
        ForLanes<T>(p.maps, [&](auto n, int map) {
          site.template Values<m.value, n.value>(w, g, dv, group, map);
        });
      });
    }
  }
}

// Returns the function that makes blocks of dw, with as many groups in registers as there are.
template <class T>
auto ChooseWeights(int groups) {
  return groups >= 8   ? MakeWeights<T, 8>
         : groups >= 4 ? MakeWeights<T, 4>
         : groups >= 2 ? MakeWeights<T, 2>
         : groups == 1 ? MakeWeights<T, 1>
                       : MakeWeights<T, 0>;
}

}  // namespace local_aggregation
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_CPU_H_
