// Of CUDA's runtime what the harness of gpu_check calls, with the processor's memory for the GPU's.
#ifndef DUALCONTRAST_TESTS_EMULATED_CUDA_RUNTIME_H_
#define DUALCONTRAST_TESTS_EMULATED_CUDA_RUNTIME_H_

#include <chrono>
#include <cstdlib>
#include <cstring>

enum cudaError_t { cudaSuccess };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
using Clock = std::chrono::steady_clock;
using cudaEvent_t = Clock::time_point*;

struct cudaDeviceProp {
  char name[64];
  int major, minor, multiProcessorCount;
};

inline const char* cudaGetErrorString(cudaError_t) { return "none"; }
inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* device, int) {
  *device = {"emulated", 0, 0, 1};
  return cudaSuccess;
}
inline cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 0, cudaSuccess; }
inline cudaError_t cudaDriverGetVersion(int* version) { return *version = 0, cudaSuccess; }

inline cudaError_t cudaMalloc(void** memory, size_t bytes) {
  *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* memory) { return std::free(memory), cudaSuccess; }
inline cudaError_t cudaMemset(void* memory, int byte, size_t bytes) {
  return std::memset(memory, byte, bytes), cudaSuccess;
}
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  return std::memcpy(to, from, bytes), cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return *event = new Clock::time_point, cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event) {
  return *event = Clock::now(), cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(*end - *begin).count();
  return cudaSuccess;
}

#endif  // DUALCONTRAST_TESTS_EMULATED_CUDA_RUNTIME_H_
