// Upsample, filter, downsample, step by step and in double: the definition.
#ifndef DUALCONTRAST_TESTS_UPFIRDN2D_ORACLE_H_
#define DUALCONTRAST_TESTS_UPFIRDN2D_ORACLE_H_

#include <cmath>
#include <vector>

#include "upfirdn2d_params.h"

namespace emulation {

// One channel of one sample.
struct Image {
  int64_t height, width;
  std::vector<double> pixels;

  Image(int64_t height, int64_t width) : height(height), width(width), pixels(height * width) {}
  double& At(int64_t y, int64_t x) { return pixels[y * width + x]; }
};

// up - 1 zeros after every pixel.
inline Image InsertZeros(Image x, int64_t up_y, int64_t up_x) {
  Image y(x.height * up_y, x.width * up_x);
  for (int64_t i = 0; i < x.height; ++i)
    for (int64_t j = 0; j < x.width; ++j) y.At(i * up_y, j * up_x) = x.At(i, j);
  return y;
}

// padding: top, bottom, left, right; negative crops.
inline Image Pad(Image x, const std::vector<int64_t>& padding) {
  Image y(x.height + padding[0] + padding[1], x.width + padding[2] + padding[3]);
  for (int64_t i = 0; i < y.height; ++i)
    for (int64_t j = 0; j < y.width; ++j) {
      const int64_t row = i - padding[0], column = j - padding[2];
      if (row >= 0 && row < x.height && column >= 0 && column < x.width)
        y.At(i, j) = x.At(row, column);
    }
  return y;
}

// The convolution where the filter lies wholly inside, every down-th of both axes.
inline Image ConvolveEvery(Image x, Image filter, int64_t down_y, int64_t down_x) {
  Image y((x.height - filter.height) / down_y + 1, (x.width - filter.width) / down_x + 1);
  for (int64_t i = 0; i < y.height; ++i)
    for (int64_t j = 0; j < y.width; ++j)
      for (int64_t s = 0; s < filter.height; ++s)
        for (int64_t t = 0; t < filter.width; ++t)
          y.At(i, j) += x.At(i * down_y + s, j * down_x + t) *
                        filter.At(filter.height - 1 - s, filter.width - 1 - t);
  return y;
}

inline Image FilterOf(const dualcontrast::upfirdn2d::Attributes& a, bool absolute) {
  Image filter(a.filter_shape[0], a.filter_shape[1]);
  for (int64_t s = 0; s < filter.height; ++s)
    for (int64_t t = 0; t < filter.width; ++t) {
      const double tap = a.separable ? double{a.filter[s]} * a.filter[filter.height + t]
                                     : a.filter[s * filter.width + t];
      filter.At(s, t) = absolute ? std::abs(tap) : tap;
    }
  return filter;
}

// x: [batch, height, width, channels]. absolute: of the sizes of all numbers, for error bounds.
inline std::vector<double> Upfirdn2dOracle(const std::vector<int64_t>& sides,
                                           const dualcontrast::upfirdn2d::Attributes& a,
                                           const std::vector<double>& x, bool absolute) {
  const int64_t height = sides[1], width = sides[2], channels = sides[3];
  const Image filter = FilterOf(a, absolute);
  std::vector<double> result;
  for (int64_t n = 0; n < sides[0]; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      Image image(height, width);
      for (int64_t i = 0; i < height * width; ++i) {
        const double pixel = x[(n * height * width + i) * channels + c];
        image.pixels[i] = absolute ? std::abs(pixel) : pixel;
      }
      const Image padded = Pad(InsertZeros(image, a.up[0], a.up[1]), a.padding);
      const Image y = ConvolveEvery(padded, filter, a.down[0], a.down[1]);
      const int64_t pixels = y.height * y.width;
      result.resize(sides[0] * pixels * channels);
      for (int64_t i = 0; i < pixels; ++i)
        result[(n * pixels + i) * channels + c] = y.pixels[i];
    }
  return result;
}

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_UPFIRDN2D_ORACLE_H_
