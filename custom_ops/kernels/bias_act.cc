// Bias, noise and activation as TensorFlow operations: the activation, and its derivatives.
#include "bias_act_cpu.h"
#include "tensorflow_glue.h"
#if defined(DUALCONTRAST_CUDA)
#include "bias_act_cuda.h"
#endif

namespace dualcontrast {
namespace bias_act {
namespace {

using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::shape_inference::InferenceContext;

constexpr char kName[] = "bias_act";

template <class Context>
absl::Status GetAttributes(Context* context, Attributes* a) {
  TF_RETURN_IF_ERROR(context->GetAttr("activation", &a->activation));
  TF_RETURN_IF_ERROR(context->GetAttr("slope", &a->slope));
  TF_RETURN_IF_ERROR(context->GetAttr("gain", &a->gain));
  TF_RETURN_IF_ERROR(context->GetAttr("clamp", &a->clamp));
  if (!context->GetAttr("order", &a->order).ok()) a->order = 0;
  return ToStatus(kName, WrongAttributes(*a));
}

// Sides of any number of axes as [rows, channels]; -1 is unknown.
std::string Flatten(const std::vector<int64_t>& sides, std::vector<int64_t>* flat) {
  if (sides.empty()) return "x must be [..., channels], got []";
  *flat = {1, sides.back()};
  for (size_t i = 0; i + 1 < sides.size(); ++i) {
    if (sides[i] < 0) (*flat)[0] = -1;
    if ((*flat)[0] >= 0 && __builtin_mul_overflow((*flat)[0], sides[i], &(*flat)[0]))
      return "x must have at most 2147483647 rows, got " + Text(sides);
  }
  return "";
}

absl::Status Check(InferenceContext* context, int x_input, int bias_input) {
  std::vector<int64_t> x, flat, bias, noise;
  const bool known = KnownSides(context, x_input, &x);
  if (!known || !KnownSides(context, bias_input, &bias) ||
      !KnownSides(context, bias_input + 1, &noise))
    return absl::OkStatus();
  TF_RETURN_IF_ERROR(ToStatus(kName, Flatten(x, &flat)));
  return ToStatus(kName, WrongShapes(flat, bias, noise));
}

absl::Status InferForward(InferenceContext* context) {
  Attributes attributes;
  TF_RETURN_IF_ERROR(GetAttributes(context, &attributes));
  TF_RETURN_IF_ERROR(Check(context, 0, 1));
  context->set_output(0, context->input(0));
  return absl::OkStatus();
}

absl::Status InferBackward(InferenceContext* context) {
  Attributes attributes;
  TF_RETURN_IF_ERROR(GetAttributes(context, &attributes));
  tensorflow::shape_inference::ShapeHandle x;
  if (!context->Merge(context->input(0), context->input(1), &x).ok())
    return ToStatus(kName, "g and reference must have one shape, got " +
                               context->DebugString(context->input(0)) + " and " +
                               context->DebugString(context->input(1)));
  TF_RETURN_IF_ERROR(Check(context, 0, 2));
  bool over_rows, over_channels;
  TF_RETURN_IF_ERROR(context->GetAttr("over_rows", &over_rows));
  TF_RETURN_IF_ERROR(context->GetAttr("over_channels", &over_channels));
  context->set_output(0, x);
  const bool known = context->RankKnown(x) && context->Rank(x) > 0;
  context->set_output(1, context->Vector(!over_rows ? context->MakeDim(0)
                                         : known    ? context->Dim(x, -1)
                                                    : context->UnknownDim()));
  context->set_output(2, over_channels ? context->UnknownShapeOfRank(1) : context->Vector(0));
  return absl::OkStatus();
}

#define DC_ATTRIBUTES(op)                      \
  op.Attr("T: {float, double, half, bfloat16}") \
      .Attr("A: {float, double}")               \
      .Attr("activation: string")               \
      .Attr("slope: float")                     \
      .Attr("gain: float")                      \
      .Attr("clamp: float")

DC_ATTRIBUTES(REGISTER_OP("DualContrastBiasAct"))
    .Input("x: T")
    .Input("bias: A")
    .Input("noise: A")
    .Output("y: T")
    .SetShapeFn(InferForward);

DC_ATTRIBUTES(REGISTER_OP("DualContrastBiasActGrad"))
    .Attr("order: int >= 1")
    .Attr("over_rows: bool")
    .Attr("over_channels: bool")
    .Input("g: T")
    .Input("reference: T")
    .Input("bias: A")
    .Input("noise: A")
    .Output("dx: T")
    .Output("sums_over_rows: A")
    .Output("sums_over_channels: A")
    .SetShapeFn(InferBackward);

// Fills `params` from the tensors of a call.
absl::Status Prepare(const Attributes& attributes, const Tensor& x, const Tensor& bias,
                     const Tensor& noise, Params* params) {
  std::vector<int64_t> flat;
  TF_RETURN_IF_ERROR(ToStatus(kName, Flatten(Sides(x), &flat)));
  return ToStatus(kName, SetParams(flat, Sides(bias), Sides(noise), attributes, params));
}

template <class T>
using TensorAccumulator = Accumulator<Storage<T>>;

template <class T>
class ForwardKernel : public tensorflow::OpKernel {
 public:
  explicit ForwardKernel(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetAttributes(context, &attributes_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &x = context->input(0), &bias = context->input(1), &noise = context->input(2);
    Params params;
    OP_REQUIRES_OK(context, Prepare(attributes_, x, bias, noise, &params));
    // In place where nobody else needs x: half of the memory is touched.
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    if (x.NumElements() == 0) return;
    OP_REQUIRES_OK(context, ToStatus(kName, Make(context, &params, Data<T>(x),
                                                 bias.flat<TensorAccumulator<T>>().data(),
                                                 noise.flat<TensorAccumulator<T>>().data(),
                                                 Data<T>(y))));
  }

 protected:
  virtual std::string Make(OpKernelContext* context, Params* params, const Storage<T>* x,
                           const TensorAccumulator<T>* bias, const TensorAccumulator<T>* noise,
                           Storage<T>* y) = 0;
  Attributes attributes_;
};

template <class T>
class CpuForward : public ForwardKernel<T> {
 public:
  using ForwardKernel<T>::ForwardKernel;

 private:
  std::string Make(OpKernelContext* context, Params* params, const Storage<T>* x,
                   const TensorAccumulator<T>* bias, const TensorAccumulator<T>* noise,
                   Storage<T>* y) override {
    SetCpuTiles(params);
    const int64_t blocks = Blocks(*params);
    if (blocks < 0) return WrongBlocks(blocks);
    const auto make = ChooseForward(*params, x, y);
    const int64_t cost = int64_t{params->tile} * params->chunk / 2;
    ForBlocks(context, blocks, cost, [&](int64_t begin, int64_t end) {
      make(*params, x, bias, noise, y, begin, end);
    });
    return "";
  }
};

template <class T>
class BackwardKernel : public tensorflow::OpKernel {
 public:
  using A = TensorAccumulator<T>;

  explicit BackwardKernel(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetAttributes(context, &attributes_));
    OP_REQUIRES_OK(context, context->GetAttr("over_rows", &over_rows_));
    OP_REQUIRES_OK(context, context->GetAttr("over_channels", &over_channels_));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &g = context->input(0), &reference = context->input(1);
    const Tensor &bias = context->input(2), &noise = context->input(3);
    OP_REQUIRES(context, g.shape() == reference.shape(),
                absl::InvalidArgumentError("bias_act: g and reference must have one shape, got " +
                                           g.shape().DebugString() + " and " +
                                           reference.shape().DebugString()));
    Params params;
    OP_REQUIRES_OK(context, Prepare(attributes_, g, bias, noise, &params));
    SetTiles(&params);
    const int64_t blocks = Blocks(params);
    OP_REQUIRES_OK(context, ToStatus(kName, WrongBlocks(blocks)));
    Tensor *dx = nullptr, *rows = nullptr, *channels = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, g.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, {over_rows_ ? params.channels : 0}, &rows));
    OP_REQUIRES_OK(context,
                   context->allocate_output(2, {over_channels_ ? params.rows : 0}, &channels));
    Tensor row_parts, channel_parts;
    const auto type = tensorflow::DataTypeToEnum<A>::value;
    if (over_rows_)
      OP_REQUIRES_OK(context,
                     context->allocate_temp(
                         type, {ScratchCells(params.tiles, params.channels)}, &row_parts));
    if (over_channels_)
      OP_REQUIRES_OK(context,
                     context->allocate_temp(
                         type, {ScratchCells(params.chunks.value, params.rows)}, &channel_parts));
    A* const over_rows = over_rows_ ? row_parts.flat<A>().data() : nullptr;
    A* const over_channels = over_channels_ ? channel_parts.flat<A>().data() : nullptr;
    std::string wrong;
    if (g.NumElements() > 0)
      wrong = Make(context, params, blocks, Data<T>(g), Data<T>(reference), bias.flat<A>().data(),
                   noise.flat<A>().data(), Data<T>(dx), over_rows, over_channels);
    const int64_t chunks = g.NumElements() > 0 ? params.chunks.value : 0;
    if (wrong.empty() && over_rows_ && params.channels > 0)
      wrong = Sum(context, params.rows > 0 ? params.tiles : 0, params.channels, over_rows,
                  rows->flat<A>().data());
    if (wrong.empty() && over_channels_ && params.rows > 0)
      wrong = Sum(context, chunks, params.rows, over_channels, channels->flat<A>().data());
    OP_REQUIRES_OK(context, ToStatus(kName, wrong));
  }

 protected:
  virtual void SetTiles(Params* params) = 0;
  virtual std::string Make(OpKernelContext* context, const Params& params, int64_t blocks,
                           const Storage<T>* g, const Storage<T>* reference, const A* bias,
                           const A* noise, Storage<T>* dx, A* over_rows, A* over_channels) = 0;
  virtual std::string Sum(OpKernelContext* context, int64_t count, int64_t columns, A* scratch,
                          A* sums) = 0;

 private:
  Attributes attributes_;
  bool over_rows_, over_channels_;
};

template <class T>
class CpuBackward : public BackwardKernel<T> {
 public:
  using A = TensorAccumulator<T>;
  using BackwardKernel<T>::BackwardKernel;

 private:
  void SetTiles(Params* params) override { SetCpuTiles(params); }

  std::string Make(OpKernelContext* context, const Params& params, int64_t blocks,
                   const Storage<T>* g, const Storage<T>* reference, const A* bias, const A* noise,
                   Storage<T>* dx, A* over_rows, A* over_channels) override {
    const auto make = ChooseBackward(params, g, dx);
    const int64_t cost = int64_t{params.tile} * params.chunk;
    ForBlocks(context, blocks, cost, [&](int64_t begin, int64_t end) {
      make(params, g, reference, bias, noise, dx, over_rows, over_channels, begin, end);
    });
    return "";
  }

  std::string Sum(OpKernelContext*, int64_t count, int64_t columns, A* scratch, A* sums) override {
    SumLevels(count, columns, scratch, sums);
    return "";
  }
};

#define DC_REGISTER(device, T, forward, backward)                                         \
  REGISTER_KERNEL_BUILDER(Name("DualContrastBiasAct")                                     \
                              .Device(tensorflow::device)                                 \
                              .TypeConstraint<T>("T")                                     \
                              .TypeConstraint<TensorAccumulator<T>>("A"),                 \
                          forward<T>);                                                    \
  REGISTER_KERNEL_BUILDER(Name("DualContrastBiasActGrad")                                 \
                              .Device(tensorflow::device)                                 \
                              .TypeConstraint<T>("T")                                     \
                              .TypeConstraint<TensorAccumulator<T>>("A"),                 \
                          backward<T>)

DC_REGISTER(DEVICE_CPU, float, CpuForward, CpuBackward);
DC_REGISTER(DEVICE_CPU, double, CpuForward, CpuBackward);
DC_REGISTER(DEVICE_CPU, Eigen::half, CpuForward, CpuBackward);
DC_REGISTER(DEVICE_CPU, Eigen::bfloat16, CpuForward, CpuBackward);

#if defined(DUALCONTRAST_CUDA)
template <class T>
class CudaForward : public ForwardKernel<T> {
 public:
  using ForwardKernel<T>::ForwardKernel;

 private:
  std::string Make(OpKernelContext* context, Params* params, const Storage<T>* x,
                   const float* bias, const float* noise, Storage<T>* y) override {
    return LaunchForward(params, x, bias, noise, y, StreamOf(context));
  }
};

template <class T>
class CudaBackward : public BackwardKernel<T> {
 public:
  using BackwardKernel<T>::BackwardKernel;

 private:
  void SetTiles(Params* params) override { SetCudaTiles<Storage<T>>(params); }

  std::string Make(OpKernelContext* context, const Params& params, int64_t blocks,
                   const Storage<T>* g, const Storage<T>* reference, const float* bias,
                   const float* noise, Storage<T>* dx, float* over_rows,
                   float* over_channels) override {
    return LaunchBackward(params, blocks, g, reference, bias, noise, dx, over_rows, over_channels,
                          StreamOf(context));
  }

  std::string Sum(OpKernelContext* context, int64_t count, int64_t columns, float* scratch,
                  float* sums) override {
    return LaunchSum(count, columns, scratch, sums, StreamOf(context));
  }
};

DC_REGISTER(DEVICE_GPU, float, CudaForward, CudaBackward);
DC_REGISTER(DEVICE_GPU, Eigen::half, CudaForward, CudaBackward);
DC_REGISTER(DEVICE_GPU, Eigen::bfloat16, CudaForward, CudaBackward);
#endif

}  // namespace
}  // namespace bias_act
}  // namespace dualcontrast
