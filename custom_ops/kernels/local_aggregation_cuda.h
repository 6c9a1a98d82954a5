// Local aggregation on a GPU: the launches, for whoever is not compiled by nvcc.
#ifndef DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_CUDA_H_
#define DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_CUDA_H_

#include <string>

#include "local_aggregation_params.h"
#include "platform.h"

namespace dualcontrast {
namespace local_aggregation {

// Each sets the tiles, launches on `stream` (a cudaStream_t) and returns what went wrong, or nothing.
// T: float, Half, BFloat16.
template <class T>
std::string LaunchOutput(Params* params, const T* w, const T* v, T* out, void* stream);
template <class T>
std::string LaunchWeights(Params* params, const T* g, const T* v, T* dw, void* stream);
template <class T>
std::string LaunchValues(Params* params, const T* w, const T* g, T* dv, void* stream);

}  // namespace local_aggregation
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_CUDA_H_
