// How every CUDA kernel is launched, and how failures come back as text.
#ifndef DUALCONTRAST_KERNELS_CUDA_LAUNCH_H_
#define DUALCONTRAST_KERNELS_CUDA_LAUNCH_H_

#include <cuda_runtime.h>

#include <cstdint>
#include <string>

namespace dualcontrast {

constexpr int kThreads = 256;

// Runs `kernel` on `blocks` (at most 2147483647) blocks of kThreads threads; returns what went wrong,
// or nothing.
template <class... Parameters, class... Arguments>
std::string LaunchBlocks(void (*kernel)(Parameters...), int64_t blocks, int64_t shared_bytes,
                         void* stream, Arguments... arguments) {
  kernel<<<static_cast<unsigned>(blocks), kThreads, shared_bytes,
           static_cast<cudaStream_t>(stream)>>>(arguments...);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? "" : std::string("CUDA: ") + cudaGetErrorString(error);
}

}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CUDA_LAUNCH_H_
