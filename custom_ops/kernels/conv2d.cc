// Convolution and its two derivatives as TensorFlow operations, for CPUs.
#include "conv2d_cpu.h"
#include "tensorflow_glue.h"

// Returns the name of the instruction set that convolutions run with on this CPU, or "none".
extern "C" __attribute__((visibility("default"))) const char* dualcontrast_conv2d_engine() {
  return dualcontrast::conv2d::Choose().name;
}

namespace dualcontrast {
namespace conv2d {
namespace {

using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using Sides64 = std::vector<int64_t>;

constexpr char kName[] = "conv2d";

// The attributes of all three, of which each has its own; the others stay -1.
struct CallAttributes : Attributes {
  int64_t taps = -1, height = -1, width = -1;
};

template <class Context>
absl::Status GetAttributes(Context* context, CallAttributes* a) {
  TF_RETURN_IF_ERROR(context->GetAttr("stride", &a->stride));
  TF_RETURN_IF_ERROR(context->GetAttr("form", &a->form));
  if (!context->GetAttr("taps", &a->taps).ok()) a->taps = -1;
  if (!context->GetAttr("height", &a->height).ok()) a->height = -1;
  if (!context->GetAttr("width", &a->width).ok()) a->width = -1;
  return absl::OkStatus();
}

// Each checks its two operands and sets the sides of x and of the result, -1 where unknown:
// (x, kernel), (kernel, g) and (x, g).
std::string OutputShape(const Sides64& x, const Sides64& kernel, const CallAttributes& a, Sides64*,
                        Sides64* result) {
  std::string wrong = WrongImages("x", x);
  if (wrong.empty()) wrong = WrongKernel(kernel);
  if (wrong.empty() && Differ(kernel[2], x[3]))
    wrong = "kernel must have the channels of x, got " + Text(kernel) + " for " + Text(x);
  if (wrong.empty()) *result = {x[0], OutSide(x[1], a.stride), OutSide(x[2], a.stride), kernel[3]};
  return wrong;
}

std::string InputShape(const Sides64& kernel, const Sides64& g, const CallAttributes& a, Sides64* x,
                       Sides64* result) {
  std::string wrong = WrongKernel(kernel);
  if (wrong.empty()) wrong = WrongImages("g", g);
  if (wrong.empty() && Differ(kernel[3], g[3]))
    wrong = "g must have the filters of the kernel, got " + Text(g) + " for " + Text(kernel);
  if (wrong.empty()) wrong = WrongSize(a.height, a.width);
  if (!wrong.empty()) return wrong;
  *result = *x = {g[0], a.height, a.width, kernel[2]};
  return WrongOutput(g, *x, a.stride);
}

std::string KernelShape(const Sides64& x, const Sides64& g, const CallAttributes& a, Sides64*,
                        Sides64* result) {
  std::string wrong = WrongImages("x", x);
  if (wrong.empty()) wrong = WrongImages("g", g);
  if (wrong.empty()) wrong = WrongOutput(g, x, a.stride);
  if (wrong.empty()) *result = {a.taps, a.taps, x[3], g[3]};
  return wrong;
}

template <Pass pass>
std::string ResultShape(const Sides64& first, const Sides64& second, const CallAttributes& a,
                        Sides64* x, Sides64* result, Form* form) {
  *x = first;
  const std::string wrong = (pass == kOutput  ? OutputShape
                             : pass == kInput ? InputShape
                                              : KernelShape)(first, second, a, x, result);
  if (!wrong.empty()) return wrong;
  const int64_t taps = pass == kOutput ? second[0] : pass == kInput ? first[0] : a.taps;
  if (pass != kKernel && taps < 0) return "";  // Not known yet.
  return WrongAttributes(a, taps, form);
}

template <Pass pass>
absl::Status InferShape(InferenceContext* context) {
  CallAttributes attributes;
  TF_RETURN_IF_ERROR(GetAttributes(context, &attributes));
  Sides64 first, second, x, result;
  if (!KnownSides(context, 0, &first) || !KnownSides(context, 1, &second)) {
    context->set_output(0, context->UnknownShapeOfRank(4));
    return absl::OkStatus();
  }
  Form form;
  TF_RETURN_IF_ERROR(
      ToStatus(kName, ResultShape<pass>(first, second, attributes, &x, &result, &form)));
  std::vector<tensorflow::shape_inference::DimensionHandle> sides;
  for (const int64_t side : result)
    sides.push_back(side < 0 ? context->UnknownDim() : context->MakeDim(side));
  context->set_output(0, context->MakeShape(sides));
  return absl::OkStatus();
}

REGISTER_OP("DualContrastConv2D")
    .Attr("stride: int")
    .Attr("form: string")
    .Input("x: float")
    .Input("kernel: float")
    .Output("y: float")
    .SetShapeFn(InferShape<kOutput>);

REGISTER_OP("DualContrastConv2DInput")
    .Attr("height: int")
    .Attr("width: int")
    .Attr("stride: int")
    .Attr("form: string")
    .Input("kernel: float")
    .Input("g: float")
    .Output("x: float")
    .SetShapeFn(InferShape<kInput>);

REGISTER_OP("DualContrastConv2DKernel")
    .Attr("taps: int")
    .Attr("stride: int")
    .Attr("form: string")
    .Input("x: float")
    .Input("g: float")
    .Output("kernel: float")
    .SetShapeFn(InferShape<kKernel>);

template <Pass pass>
class CpuKernel : public tensorflow::OpKernel {
 public:
  explicit CpuKernel(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetAttributes(context, &attributes_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &a = context->input(0), &b = context->input(1);
    const Sides64 first = Sides(a), second = Sides(b);
    Sides64 x, result;
    Params params;
    OP_REQUIRES_OK(context, ToStatus(kName, ResultShape<pass>(first, second, attributes_, &x,
                                                              &result, &params.form)));
    const int64_t taps = pass == kOutput ? second[0] : pass == kInput ? first[0] : attributes_.taps;
    const int64_t filters = pass == kInput ? first[3] : second[3];
    SetParams(x, taps, filters, attributes_.stride, &params);
    TensorShape shape;
    OP_REQUIRES_OK(context, TensorShape::BuildTensorShape(result, &shape));
    Tensor* made = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &made));
    if (shape.num_elements() == 0) return;
    static const Engine engine = Choose().engine;
    OP_REQUIRES(context, engine != nullptr,
                absl::UnimplementedError("conv2d: this CPU has neither AVX2 nor AVX-512"));
    const Parallel parallel = [context](int64_t blocks, int64_t cost, const auto& make) {
      ForBlocks(context, blocks, cost, make);
    };
    const std::string wrong = engine(pass, params, a.flat<float>().data(), b.flat<float>().data(),
                                     made->flat<float>().data(), parallel);
    OP_REQUIRES(context, wrong.empty(), absl::ResourceExhaustedError("conv2d: " + wrong));
  }

 private:
  CallAttributes attributes_;
};

REGISTER_KERNEL_BUILDER(Name("DualContrastConv2D").Device(tensorflow::DEVICE_CPU),
                        CpuKernel<kOutput>);
REGISTER_KERNEL_BUILDER(Name("DualContrastConv2DInput").Device(tensorflow::DEVICE_CPU),
                        CpuKernel<kInput>);
REGISTER_KERNEL_BUILDER(Name("DualContrastConv2DKernel").Device(tensorflow::DEVICE_CPU),
                        CpuKernel<kKernel>);

}  // namespace
}  // namespace conv2d
}  // namespace dualcontrast
