// Convolution: what a call asks for, and whether it may.
//
// x [batch, height, width, channels], kernel [taps, taps, channels, filters] and
// y [batch, out_height, out_width, filters]. The three passes are the derivatives of one trilinear
// function, sum(y * convolution(x, kernel)), by each of the three: all derivatives are passes again.
#ifndef DUALCONTRAST_KERNELS_CONV2D_PARAMS_H_
#define DUALCONTRAST_KERNELS_CONV2D_PARAMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"

namespace dualcontrast {
namespace conv2d {

// What a pass computes of the other two.
enum Pass { kOutput, kInput, kKernel };

// How: every product for itself, or Winograd's way with tiles of 2x2 or 4x4 outputs.
enum Form { kDirect, kWinograd2, kWinograd4 };

constexpr int64_t kMaxSide = 1 << 16;
constexpr int64_t kMaxChannels = 1 << 16;

struct Attributes {
  int64_t stride;
  std::string form;
};

struct Params {
  int64_t batch;
  int height, width, channels;          // Of x.
  int out_height, out_width, filters;   // Of y.
  int taps, stride;
  Form form;
};

// Returns what is wrong with the attributes, or nothing; fills `form`.
inline std::string WrongAttributes(const Attributes& a, int64_t taps, Form* form) {
  if (taps != 1 && taps != 3) return "kernel must have 1 or 3 taps a side, got " + std::to_string(taps);
  if (a.stride != 1 && a.stride != 2)
    return "stride must be 1 or 2, got " + std::to_string(a.stride);
  if (a.stride == 2 && taps != 3) return "stride 2 is for kernels of 3 taps a side, got 1";
  if (a.form == "direct") {
    *form = kDirect;
  } else if (a.form == "winograd2" && taps == 3 && a.stride == 1) {
    *form = kWinograd2;
  } else if (a.form == "winograd4" && taps == 3) {
    *form = kWinograd4;
  } else {
    return "form must be direct, or for 3 taps winograd4 or with stride 1 winograd2, got \"" +
           a.form + "\" for " + std::to_string(taps) + " taps and stride " +
           std::to_string(a.stride);
  }
  return "";
}

inline bool Differ(int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; }

// Returns what is wrong with the sides of the named images, or nothing; -1 is an unknown side.
inline std::string WrongImages(const char* name, const std::vector<int64_t>& x) {
  if (x.size() != 4)
    return std::string(name) + " must be [batch, height, width, channels], got " + Text(x);
  if (x[1] > kMaxSide || x[2] > kMaxSide || x[3] > kMaxChannels || x[3] == 0)
    return std::string(name) + " must have sides of at most [batch, 65536, 65536, 65536] and at " +
           "least one channel, got " + Text(x);
  return "";
}

inline std::string WrongKernel(const std::vector<int64_t>& kernel) {
  if (kernel.size() != 4 || Differ(kernel[0], kernel[1]))
    return "kernel must be [taps, taps, channels, filters], got " + Text(kernel);
  if (kernel[2] > kMaxChannels || kernel[3] > kMaxChannels || kernel[2] == 0 || kernel[3] == 0)
    return "kernel must have 1 to 65536 channels and filters, got " + Text(kernel);
  return "";
}

// The side of the output: zeros around keep it with stride 1, there are none with stride 2.
// A side of -1 stays unknown; of less than the taps, nothing is left.
inline int64_t OutSide(int64_t side, int64_t stride) {
  if (side < 0 || stride == 1) return side;
  return side < 3 ? 0 : (side - 3) / 2 + 1;
}

// Returns what is wrong with the sides of an input whose output is to have `g`'s, or nothing.
inline std::string WrongOutput(const std::vector<int64_t>& g, const std::vector<int64_t>& x,
                               int64_t stride) {
  const std::vector<int64_t> expected = {x[0], OutSide(x[1], stride), OutSide(x[2], stride)};
  for (int axis = 0; axis < 3; ++axis)
    if (Differ(g[axis], expected[axis]))
      return "g must have the batch and sides " + Text(expected) + " of the output of " + Text(x) +
             " with stride " + std::to_string(stride) + ", got " + Text(g);
  return "";
}

// Returns what is wrong with the height and width that an input's gradient is to have, or nothing.
inline std::string WrongSize(int64_t height, int64_t width) {
  if (height < 0 || height > kMaxSide || width < 0 || width > kMaxSide)
    return "height and width must be 0 to 65536, got " + Text({height, width});
  return "";
}

// Fills the sides of `p` from those of x and the kernel, which were found right.
inline void SetParams(const std::vector<int64_t>& x, int64_t taps, int64_t filters, int64_t stride,
                      Params* p) {
  p->batch = x[0];
  p->height = static_cast<int>(x[1]);
  p->width = static_cast<int>(x[2]);
  p->channels = static_cast<int>(x[3]);
  p->out_height = static_cast<int>(OutSide(x[1], stride));
  p->out_width = static_cast<int>(OutSide(x[2], stride));
  p->filters = static_cast<int>(filters);
  p->taps = static_cast<int>(taps);
  p->stride = static_cast<int>(stride);
}

}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_PARAMS_H_
