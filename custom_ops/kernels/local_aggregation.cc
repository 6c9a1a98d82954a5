// Local aggregation and its derivatives as TensorFlow operations.
#include "local_aggregation_cpu.h"
#include "tensorflow_glue.h"
#if defined(DUALCONTRAST_CUDA)
#include "local_aggregation_cuda.h"
#endif

namespace dualcontrast {
namespace local_aggregation {
namespace {

using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using Sides64 = std::vector<int64_t>;

constexpr char kName[] = "local_aggregation";

// Which of the three, by what it is the derivative by, and its result's shape for its two operands:
// (weights, values), (g, values) or (weights, g). An unknown side is -1.
enum Kind { kOutput, kWeights, kValues };

std::string OutputShape(const Sides64& w, const Sides64& v, int64_t window, int64_t, Sides64* out) {
  std::string wrong = WrongWeights(w, window);
  if (wrong.empty()) wrong = WrongValues(v, {w[0], w[1], w[2]}, window);
  if (wrong.empty()) wrong = WrongMaps(v[3], w[4]);
  if (wrong.empty()) *out = {w[0], w[1], w[2], v[3]};
  return wrong;
}

std::string WeightsShape(const Sides64& g, const Sides64& v, int64_t window, int64_t maps,
                         Sides64* out) {
  if (g.size() != 4) return "g must be [batch, height, width, channels], got " + Text(g);
  std::string wrong = WrongValues(v, g, window);
  if (wrong.empty() && Differ(g[3], v[3]))
    wrong = "g and values must have as many channels, got " + Text(g) + " and " + Text(v);
  if (wrong.empty()) wrong = WrongMaps(g[3], maps);
  if (wrong.empty()) *out = {g[0], g[1], g[2], window * window, maps};
  return wrong;
}

std::string ValuesShape(const Sides64& w, const Sides64& g, int64_t window, int64_t, Sides64* out) {
  std::string wrong = WrongWeights(w, window);
  if (wrong.empty()) wrong = WrongGradient(g, w);
  if (wrong.empty()) wrong = WrongMaps(g[3], w[4]);
  if (wrong.empty())
    *out = {w[0], w[1] < 0 ? -1 : w[1] + window - 1, w[2] < 0 ? -1 : w[2] + window - 1, g[3]};
  return wrong;
}

template <Kind kind>
std::string ResultShape(const Sides64& a, const Sides64& b, int64_t window, int64_t maps,
                        Sides64* out) {
  const std::string wrong = WrongWindow(window);
  if (!wrong.empty()) return wrong;
  return (kind == kOutput    ? OutputShape
          : kind == kWeights ? WeightsShape
                             : ValuesShape)(a, b, window, maps, out);
}

template <class Context>
absl::Status GetAttributes(Context* context, int64_t* window, int64_t* maps) {
  TF_RETURN_IF_ERROR(context->GetAttr("window", window));
  if (!context->GetAttr("maps", maps).ok()) *maps = -1;
  return absl::OkStatus();
}

template <Kind kind>
absl::Status InferShape(InferenceContext* context) {
  int64_t window, maps;
  TF_RETURN_IF_ERROR(GetAttributes(context, &window, &maps));
  TF_RETURN_IF_ERROR(ToStatus(kName, WrongWindow(window)));
  Sides64 a, b, out;
  if (!KnownSides(context, 0, &a) || !KnownSides(context, 1, &b)) {
    context->set_output(0, context->UnknownShapeOfRank(kind == kWeights ? 5 : 4));
    return absl::OkStatus();
  }
  TF_RETURN_IF_ERROR(ToStatus(kName, ResultShape<kind>(a, b, window, maps, &out)));
  std::vector<tensorflow::shape_inference::DimensionHandle> sides;
  for (const int64_t side : out)
    sides.push_back(side < 0 ? context->UnknownDim() : context->MakeDim(side));
  context->set_output(0, context->MakeShape(sides));
  return absl::OkStatus();
}

REGISTER_OP("DualContrastLocalAggregation")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("window: int")
    .Input("weights: T")
    .Input("values: T")
    .Output("output: T")
    .SetShapeFn(InferShape<kOutput>);

REGISTER_OP("DualContrastLocalAggregationWeights")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("window: int")
    .Attr("maps: int")
    .Input("g: T")
    .Input("values: T")
    .Output("weights: T")
    .SetShapeFn(InferShape<kWeights>);

REGISTER_OP("DualContrastLocalAggregationValues")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("window: int")
    .Input("weights: T")
    .Input("g: T")
    .Output("values: T")
    .SetShapeFn(InferShape<kValues>);

template <Kind kind>
class Kernel : public tensorflow::OpKernel {
 public:
  explicit Kernel(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetAttributes(context, &window_, &maps_));
    OP_REQUIRES_OK(context, ToStatus(kName, WrongWindow(window_)));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &a = context->input(0), &b = context->input(1);
    const Sides64 first = Sides(a), second = Sides(b);
    Sides64 out;
    OP_REQUIRES_OK(context,
                   ToStatus(kName, ResultShape<kind>(first, second, window_, maps_, &out)));
    const int64_t maps = kind == kWeights ? maps_ : first[4];
    const int64_t channels = kind == kWeights ? first[3] : second[3];
    Params params;
    OP_REQUIRES_OK(context, ToStatus(kName, SetParams({first[0], first[1], first[2], channels},
                                                      window_, maps, &params)));
    TensorShape shape;
    OP_REQUIRES_OK(context, TensorShape::BuildTensorShape(out, &shape));
    Tensor* result = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &result));
    if (shape.num_elements() > 0)
      OP_REQUIRES_OK(context, ToStatus(kName, Make(context, &params, a, b, result)));
  }

 protected:
  virtual std::string Make(OpKernelContext* context, Params* params, const Tensor& a,
                           const Tensor& b, Tensor* result) = 0;

 private:
  int64_t window_, maps_;
};

template <class T, Kind kind>
class CpuKernel : public Kernel<kind> {
 public:
  using Kernel<kind>::Kernel;

 private:
  std::string Make(OpKernelContext* context, Params* params, const Tensor& a, const Tensor& b,
                   Tensor* result) override {
    using S = Storage<T>;
    SetCpuTiles(kind == kValues, params);
    const int64_t blocks = Blocks(*params);
    if (blocks < 0) return WrongBlocks(blocks);
    const auto make = kind == kOutput    ? MakeOutput<S>
                      : kind == kWeights ? ChooseWeights<S>(params->groups)
                                         : MakeValues<S>;
    const int64_t taps = int64_t{params->window} * params->window;
    const int64_t cost = int64_t{params->tile_x} * taps * params->maps * params->groups / 8;
    ForBlocks(context, blocks, cost, [&](int64_t begin, int64_t end) {
      make(*params, Data<T>(a), Data<T>(b), Data<T>(result), begin, end);
    });
    return "";
  }
};

#define DC_REGISTER_ALL(device, T, kernel)                                                  \
  REGISTER_KERNEL_BUILDER(Name("DualContrastLocalAggregation")                              \
                              .Device(tensorflow::device)                                   \
                              .TypeConstraint<T>("T"),                                      \
                          kernel<T, kOutput>);                                              \
  REGISTER_KERNEL_BUILDER(Name("DualContrastLocalAggregationWeights")                       \
                              .Device(tensorflow::device)                                   \
                              .TypeConstraint<T>("T"),                                      \
                          kernel<T, kWeights>);                                             \
  REGISTER_KERNEL_BUILDER(Name("DualContrastLocalAggregationValues")                        \
                              .Device(tensorflow::device)                                   \
                              .TypeConstraint<T>("T"),                                      \
                          kernel<T, kValues>)

DC_REGISTER_ALL(DEVICE_CPU, float, CpuKernel);
DC_REGISTER_ALL(DEVICE_CPU, double, CpuKernel);
DC_REGISTER_ALL(DEVICE_CPU, Eigen::half, CpuKernel);
DC_REGISTER_ALL(DEVICE_CPU, Eigen::bfloat16, CpuKernel);

#if defined(DUALCONTRAST_CUDA)
template <class T, Kind kind>
class CudaKernel : public Kernel<kind> {
 public:
  using Kernel<kind>::Kernel;

 private:
  std::string Make(OpKernelContext* context, Params* params, const Tensor& a, const Tensor& b,
                   Tensor* result) override {
    using S = Storage<T>;
    const auto launch = kind == kOutput    ? LaunchOutput<S>
                        : kind == kWeights ? LaunchWeights<S>
                                           : LaunchValues<S>;
    return launch(params, Data<T>(a), Data<T>(b), Data<T>(result), StreamOf(context));
  }
};

DC_REGISTER_ALL(DEVICE_GPU, float, CudaKernel);
DC_REGISTER_ALL(DEVICE_GPU, Eigen::half, CudaKernel);
DC_REGISTER_ALL(DEVICE_GPU, Eigen::bfloat16, CudaKernel);
#endif

}  // namespace
}  // namespace local_aggregation
}  // namespace dualcontrast
