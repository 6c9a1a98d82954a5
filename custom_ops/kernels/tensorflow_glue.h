// What every operation says to TensorFlow in the same words.
#ifndef DUALCONTRAST_KERNELS_TENSORFLOW_GLUE_H_
#define DUALCONTRAST_KERNELS_TENSORFLOW_GLUE_H_

#include <algorithm>
#include <string>
#include <vector>

#include "platform.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

#if defined(DUALCONTRAST_CUDA)
#include "xla/stream_executor/stream.h"
#endif

namespace dualcontrast {

// The storage type of the bodies for a type of TensorFlow.
template <class T>
struct StorageOf {
  using Type = T;
};
template <>
struct StorageOf<Eigen::half> {
  using Type = Half;
};
template <>
struct StorageOf<Eigen::bfloat16> {
  using Type = BFloat16;
};
template <class T>
using Storage = typename StorageOf<T>::Type;

template <class T>
const Storage<T>* Data(const tensorflow::Tensor& tensor) {
  return reinterpret_cast<const Storage<T>*>(tensor.flat<T>().data());
}

template <class T>
Storage<T>* Data(tensorflow::Tensor* tensor) {
  return reinterpret_cast<Storage<T>*>(tensor->flat<T>().data());
}

// `wrong` names the argument, what it was and what was expected; empty is no error.
inline absl::Status ToStatus(const char* op, const std::string& wrong) {
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(op) + ": " + wrong);
}

inline std::vector<int64_t> Sides(const tensorflow::Tensor& tensor) {
  std::vector<int64_t> sides;
  for (int i = 0; i < tensor.dims(); ++i) sides.push_back(tensor.dim_size(i));
  return sides;
}

// Sets `sides` (-1: unknown); false where even the rank is unknown.
inline bool KnownSides(tensorflow::shape_inference::InferenceContext* context, int input,
                       std::vector<int64_t>* sides) {
  const auto shape = context->input(input);
  if (!context->RankKnown(shape)) return false;
  sides->clear();
  for (int i = 0; i < context->Rank(shape); ++i)
    sides->push_back(context->Value(context->Dim(shape, i)));
  return true;
}

// Shares blocks [0, blocks) among the threads of the device; `cost` is in nanoseconds a block.
template <class F>
void ForBlocks(tensorflow::OpKernelContext* context, int64_t blocks, int64_t cost, const F& make) {
  const auto* workers = context->device()->tensorflow_cpu_worker_threads();
  const auto scheduling =
      tsl::thread::ThreadPool::SchedulingParams::Adaptive(std::max<int64_t>(cost, 1));
  workers->workers->ParallelFor(blocks, scheduling, make);
}

#if defined(DUALCONTRAST_CUDA)
// The CUDA stream, for launches that know nothing of TensorFlow.
inline void* StreamOf(tensorflow::OpKernelContext* context) {
  return context->op_device_context()->stream()->platform_specific_handle().stream;
}
#endif

}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_TENSORFLOW_GLUE_H_
