// Bias, noise and activation on a GPU: the launches, for whoever is not compiled by nvcc.
#ifndef DUALCONTRAST_KERNELS_BIAS_ACT_CUDA_H_
#define DUALCONTRAST_KERNELS_BIAS_ACT_CUDA_H_

#include <string>

#include "bias_act_params.h"
#include "platform.h"

namespace dualcontrast {
namespace bias_act {

// All launch on `stream` (a cudaStream_t) and return what went wrong, or nothing. T: float, Half,
// BFloat16.

// Sets the tiles of a backward launch, which decide how many sums it makes.
template <class T>
void SetCudaTiles(Params* params);

template <class T>
std::string LaunchForward(Params* params, const T* x, const float* bias, const float* noise, T* y,
                          void* stream);

// over_rows [tiles, channels], over_channels [chunks, rows]: or null.
template <class T>
std::string LaunchBackward(const Params& params, const T* g, const T* reference, const float* bias,
                           const float* noise, T* dx, float* over_rows, float* over_channels,
                           void* stream);

// Sums the `count` rows at the start of `scratch` (ScratchCells of them) into `sums`.
std::string LaunchSum(int64_t count, int64_t columns, float* scratch, float* sums, void* stream);

}  // namespace bias_act
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_BIAS_ACT_CUDA_H_
