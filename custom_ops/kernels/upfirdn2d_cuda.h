// Upsample, filter, downsample on a GPU: the launch, for whoever is not compiled by nvcc.
#ifndef DUALCONTRAST_KERNELS_UPFIRDN2D_CUDA_H_
#define DUALCONTRAST_KERNELS_UPFIRDN2D_CUDA_H_

#include <string>

#include "platform.h"
#include "upfirdn2d_params.h"

namespace dualcontrast {
namespace upfirdn2d {

// Sets the tiles and launches on `stream` (a cudaStream_t). T: float, Half, BFloat16. Returns what
// went wrong, or nothing.
template <class T>
std::string Launch(Params* params, bool separable, const T* x, T* y, void* stream);

}  // namespace upfirdn2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_UPFIRDN2D_CUDA_H_
