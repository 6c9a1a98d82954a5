// Prints the shared memory that each kernel is launched with: its name, a tab, bytes a block.
//
// Computed by the headers that the launches use. Kernels with nothing to say have no shared memory.
#include <cstdio>

#include "bias_act_gpu.h"
#include "upfirdn2d_gpu.h"

namespace dualcontrast {
namespace {

void PrintResampling(const char* type, int lanes, int up, int down, int taps) {
  upfirdn2d::Attributes attributes;
  attributes.separable = true;
  attributes.filter.assign(2 * taps, 1);
  attributes.filter_shape = {taps, taps};
  attributes.up = {up, up};
  attributes.down = {down, down};
  attributes.padding = {taps, taps, taps, taps};
  upfirdn2d::Params params;
  SetParams({1, 256, 256, 512}, attributes, &params);
  upfirdn2d::SetGpuTiles(lanes, &params);
  std::printf("upfirdn2d SeparableBlock<%s, %d, %d, %d, %d>\t%lld\n", type, lanes, up, down, taps,
              static_cast<long long>(MidCells(params) * sizeof(float)));
}

template <class T>
void Print(const char* type) {
  for (const int lanes : {upfirdn2d::kGpuLanes<T>, 1}) {
    PrintResampling(type, lanes, 2, 1, 4);
    PrintResampling(type, lanes, 1, 2, 4);
    PrintResampling(type, lanes, 1, 1, 4);
    // Any other filter takes up to the limit.
    std::printf("upfirdn2d SeparableBlock<%s, %d, 0, 0, 0>\t%lld\n", type, lanes,
                static_cast<long long>(upfirdn2d::kGpuCells * sizeof(float)));
  }
  bias_act::Params params;
  params.rows = params.channels = 4096;
  bias_act::SetGpuTiles<T>(&params);
  for (const int lanes : {static_cast<int>(16 / sizeof(T)), 1})
    for (const char* pieces : {"true", "false"})
      std::printf("bias_act BackwardBlock<%s, %d, %s>\t%lld\n", type, lanes, pieces,
                  static_cast<long long>(bias_act::TileCells(params) * sizeof(float)));
}

}  // namespace
}  // namespace dualcontrast

int main() {
  dualcontrast::Print<float>("float");
  dualcontrast::Print<dualcontrast::Half>("Half");
  dualcontrast::Print<dualcontrast::BFloat16>("BFloat16");
}
