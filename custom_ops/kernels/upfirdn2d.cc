// Upsample, filter, downsample as a TensorFlow operation.
#include "tensorflow_glue.h"
#include "upfirdn2d_cpu.h"
#if defined(DUALCONTRAST_CUDA)
#include "upfirdn2d_cuda.h"
#endif

namespace dualcontrast {
namespace upfirdn2d {
namespace {

constexpr char kName[] = "upfirdn2d";

template <class Context>
absl::Status GetAttributes(Context* context, Attributes* a) {
  TF_RETURN_IF_ERROR(context->GetAttr("filter", &a->filter));
  TF_RETURN_IF_ERROR(context->GetAttr("filter_shape", &a->filter_shape));
  TF_RETURN_IF_ERROR(context->GetAttr("separable", &a->separable));
  TF_RETURN_IF_ERROR(context->GetAttr("up", &a->up));
  TF_RETURN_IF_ERROR(context->GetAttr("down", &a->down));
  TF_RETURN_IF_ERROR(context->GetAttr("padding", &a->padding));
  return ToStatus(kName, WrongAttributes(*a));
}

absl::Status InferShape(tensorflow::shape_inference::InferenceContext* context) {
  Attributes attributes;
  TF_RETURN_IF_ERROR(GetAttributes(context, &attributes));
  std::vector<int64_t> x;
  if (!KnownSides(context, 0, &x)) {
    context->set_output(0, context->UnknownShapeOfRank(4));
    return absl::OkStatus();
  }
  TF_RETURN_IF_ERROR(ToStatus(kName, WrongShape(x)));
  int64_t out[2];
  for (int axis = 0; axis < 2; ++axis)
    TF_RETURN_IF_ERROR(
        ToStatus(kName, OutputSide(attributes, axis, x[1 + axis], &out[axis])));
  const auto shape = context->input(0);
  context->set_output(0, context->MakeShape({context->Dim(shape, 0), context->MakeDim(out[0]),
                                             context->MakeDim(out[1]), context->Dim(shape, 3)}));
  return absl::OkStatus();
}

REGISTER_OP("DualContrastUpfirdn2d")
    .Input("x: T")
    .Output("y: T")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("filter: list(float)")
    .Attr("filter_shape: list(int)")
    .Attr("separable: bool")
    .Attr("up: list(int)")
    .Attr("down: list(int)")
    .Attr("padding: list(int)")
    .SetShapeFn(InferShape);

class Kernel : public tensorflow::OpKernel {
 public:
  explicit Kernel(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetAttributes(context, &attributes_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    Params params;
    OP_REQUIRES_OK(context, ToStatus(kName, SetParams(Sides(x), attributes_, &params)));
    tensorflow::TensorShape shape;
    OP_REQUIRES_OK(context, tensorflow::TensorShape::BuildTensorShape(
                                {params.batch, params.y.out, params.x.out, params.channels},
                                &shape));
    tensorflow::Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &y));
    if (shape.num_elements() > 0) Make(context, &params, x, y);
  }

 protected:
  virtual void Make(tensorflow::OpKernelContext* context, Params* params,
                    const tensorflow::Tensor& x, tensorflow::Tensor* y) = 0;
  Attributes attributes_;
};

template <class T>
class CpuKernel : public Kernel {
 public:
  using Kernel::Kernel;

 private:
  void Make(tensorflow::OpKernelContext* context, Params* params, const tensorflow::Tensor& x,
            tensorflow::Tensor* y) override {
    SetCpuTiles(params);
    const auto make = ChooseCpu<Storage<T>>(*params, attributes_.separable);
    const int64_t outputs = int64_t{params->tile_y} * params->tile_x * params->chunk;
    const int64_t blocks = Blocks(*params);
    OP_REQUIRES_OK(context, ToStatus(kName, WrongBlocks(blocks)));
    ForBlocks(context, blocks, outputs, [&](int64_t begin, int64_t end) {
      make(*params, Data<T>(x), Data<T>(y), begin, end);
    });
  }
};

#define REGISTER_CPU(T)                                                                         \
  REGISTER_KERNEL_BUILDER(                                                                      \
      Name("DualContrastUpfirdn2d").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
      CpuKernel<T>)
REGISTER_CPU(float);
REGISTER_CPU(double);
REGISTER_CPU(Eigen::half);
REGISTER_CPU(Eigen::bfloat16);

#if defined(DUALCONTRAST_CUDA)
template <class T>
class CudaKernel : public Kernel {
 public:
  using Kernel::Kernel;

 private:
  void Make(tensorflow::OpKernelContext* context, Params* params, const tensorflow::Tensor& x,
            tensorflow::Tensor* y) override {
    const std::string wrong =
        Launch(params, attributes_.separable, Data<T>(x), Data<T>(y), StreamOf(context));
    OP_REQUIRES_OK(context, ToStatus(kName, wrong));
  }
};

#define REGISTER_CUDA(T)                                                                        \
  REGISTER_KERNEL_BUILDER(                                                                      \
      Name("DualContrastUpfirdn2d").Device(tensorflow::DEVICE_GPU).TypeConstraint<T>("T"), \
      CudaKernel<T>)
REGISTER_CUDA(float);
REGISTER_CUDA(Eigen::half);
REGISTER_CUDA(Eigen::bfloat16);
#endif

}  // namespace
}  // namespace upfirdn2d
}  // namespace dualcontrast
