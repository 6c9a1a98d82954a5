// The forms of a convolution, along one axis.
//
// A form computes kTile outputs from kWindow pixels as Output(Input(pixels) * Kernel(taps)): both
// are transformed to kPoints numbers (the kernel's to kMatrices, of which a point takes the
// Matrix-th), multiplied one by one, and transformed back. All three are linear, so that the passes
// are made of them and of their transposes; along two axes they are applied one after the other.
// With channels, a product of numbers becomes one of matrices, which is where the time goes.
//
// Functions read and write every `in`-th and `out`-th vector.
#ifndef DUALCONTRAST_KERNELS_CONV2D_FORMS_H_
#define DUALCONTRAST_KERNELS_CONV2D_FORMS_H_

#include "conv2d_microkernel.h"

namespace dualcontrast {
namespace conv2d {
namespace DC_CONV2D_ENGINE {

// Every product for itself. All points belong to the one output (kShared), so that sums over them
// are sums of the products of matrices.
template <int T, int S>
struct Direct {
  static constexpr int kTaps = T, kStride = S, kPad = S == 1 ? T / 2 : 0;
  static constexpr int kTile = 1, kWindow = T, kPoints = T, kMatrices = T;
  static constexpr bool kShared = true;
  static constexpr int kTiles = 240, kGradientTiles = 480;  // Of a block.
  static constexpr int Matrix(int point) { return point; }

  template <int N>
  DC_INLINE void Copy(const Vec* from, int in, Vec* to, int out) {
    for (int i = 0; i < N; ++i) to[i * out] = from[i * in];
  }
  DC_INLINE void Input(const Vec* x, int in, Vec* v, int out) { Copy<T>(x, in, v, out); }
  DC_INLINE void InputTransposed(const Vec* v, int in, Vec* x, int out) { Copy<T>(v, in, x, out); }
  DC_INLINE void Output(const Vec* m, int in, Vec* y, int out) { Copy<1>(m, in, y, out); }
  DC_INLINE void OutputTransposed(const Vec* y, int in, Vec* m, int out) { Copy<1>(y, in, m, out); }
  DC_INLINE void Kernel(const Vec* w, int in, Vec* u, int out) { Copy<T>(w, in, u, out); }
  DC_INLINE void KernelTransposed(const Vec* u, int in, Vec* w, int out) { Copy<T>(u, in, w, out); }
};

// Winograd's F(2, 3) (Lavin and Gray 2016): 4 products for 2 outputs of 3 taps; points 0, 1, -1 and
// infinity.
struct Winograd2 {
  static constexpr int kTaps = 3, kStride = 1, kPad = 1;
  static constexpr int kTile = 2, kWindow = 4, kPoints = 4, kMatrices = 4;
  static constexpr bool kShared = false;
  static constexpr int kTiles = 240, kGradientTiles = 384;
  static constexpr int Matrix(int point) { return point; }

  DC_INLINE void Input(const Vec* x, int in, Vec* v, int out) {
    const Vec x0 = x[0], x1 = x[in], x2 = x[2 * in], x3 = x[3 * in];
    v[0] = x0 - x2;
    v[out] = x1 + x2;
    v[2 * out] = x2 - x1;
    v[3 * out] = x3 - x1;
  }
  DC_INLINE void Output(const Vec* m, int in, Vec* y, int out) {
    y[0] = m[0] + m[in] + m[2 * in];
    y[out] = m[in] - m[2 * in] + m[3 * in];
  }
  DC_INLINE void OutputTransposed(const Vec* y, int in, Vec* m, int out) {
    const Vec y0 = y[0], y1 = y[in];
    m[0] = y0;
    m[out] = y0 + y1;
    m[2 * out] = y0 - y1;
    m[3 * out] = y1;
  }
  DC_INLINE void Kernel(const Vec* w, int in, Vec* u, int out) {
    const Vec w0 = w[0], w1 = w[in], w2 = w[2 * in], even = 0.5f * (w0 + w2);
    u[0] = w0;
    u[out] = even + 0.5f * w1;
    u[2 * out] = even - 0.5f * w1;
    u[3 * out] = w2;
  }
  DC_INLINE void KernelTransposed(const Vec* u, int in, Vec* w, int out) {
    const Vec even = 0.5f * (u[in] + u[2 * in]);
    w[0] = u[0] + even;
    w[out] = 0.5f * (u[in] - u[2 * in]);
    w[2 * out] = even + u[3 * in];
  }
};

// Winograd's F(4, 3): 6 products for 4 outputs of 3 taps; points 0, +-a, +-b and infinity. These
// have half the error of the usual 1 and 2.
struct Winograd4 {
  static constexpr int kTaps = 3, kStride = 1, kPad = 1;
  static constexpr int kTile = 4, kWindow = 6, kPoints = 6, kMatrices = 6;
  static constexpr bool kShared = false;
  static constexpr int kTiles = 144, kGradientTiles = 288;
  static constexpr int Matrix(int point) { return point; }

  static constexpr float a = 0.625f, b = 1.5f, A = a * a, B = b * b;
  static constexpr float n0 = 1 / (A * B), na = 1 / (2 * A * (A - B)), nb = 1 / (2 * B * (B - A));

  DC_INLINE void Input(const Vec* x, int in, Vec* v, int out) {
    const Vec x0 = x[0], x1 = x[in], x2 = x[2 * in], x3 = x[3 * in], x4 = x[4 * in], x5 = x[5 * in];
    const Vec even_a = x4 - B * x2, odd_a = x3 - B * x1, even_b = x4 - A * x2, odd_b = x3 - A * x1;
    v[0] = (A * B) * x0 + (x4 - (A + B) * x2);
    v[out] = even_a + a * odd_a;
    v[2 * out] = even_a - a * odd_a;
    v[3 * out] = even_b + b * odd_b;
    v[4 * out] = even_b - b * odd_b;
    v[5 * out] = (A * B) * x1 + (x5 - (A + B) * x3);
  }
  DC_INLINE void Output(const Vec* m, int in, Vec* y, int out) {
    const Vec even_a = m[in] + m[2 * in], odd_a = m[in] - m[2 * in];
    const Vec even_b = m[3 * in] + m[4 * in], odd_b = m[3 * in] - m[4 * in];
    y[0] = m[0] + even_a + even_b;
    y[out] = a * odd_a + b * odd_b;
    y[2 * out] = A * even_a + B * even_b;
    y[3 * out] = (a * A) * odd_a + ((b * B) * odd_b + m[5 * in]);
  }
  DC_INLINE void OutputTransposed(const Vec* y, int in, Vec* m, int out) {
    const Vec y0 = y[0], y1 = y[in], y2 = y[2 * in], y3 = y[3 * in];
    const Vec even_a = y0 + A * y2, odd_a = y1 + A * y3, even_b = y0 + B * y2, odd_b = y1 + B * y3;
    m[0] = y0;
    m[out] = even_a + a * odd_a;
    m[2 * out] = even_a - a * odd_a;
    m[3 * out] = even_b + b * odd_b;
    m[4 * out] = even_b - b * odd_b;
    m[5 * out] = y3;
  }
  DC_INLINE void Kernel(const Vec* w, int in, Vec* u, int out) {
    const Vec w0 = w[0], w1 = w[in], w2 = w[2 * in];
    const Vec even_a = na * w0 + (na * A) * w2, even_b = nb * w0 + (nb * B) * w2;
    u[0] = n0 * w0;
    u[out] = even_a + (na * a) * w1;
    u[2 * out] = even_a - (na * a) * w1;
    u[3 * out] = even_b + (nb * b) * w1;
    u[4 * out] = even_b - (nb * b) * w1;
    u[5 * out] = w2;
  }
  DC_INLINE void KernelTransposed(const Vec* u, int in, Vec* w, int out) {
    const Vec even_a = u[in] + u[2 * in], odd_a = u[in] - u[2 * in];
    const Vec even_b = u[3 * in] + u[4 * in], odd_b = u[3 * in] - u[4 * in];
    w[0] = n0 * u[0] + na * even_a + nb * even_b;
    w[out] = (na * a) * odd_a + (nb * b) * odd_b;
    w[2 * out] = (na * A) * even_a + ((nb * B) * even_b + u[5 * in]);
  }
};

// Stride 2 by phases: with the even pixels e and the odd ones o, the k-th output is
// e[k] w0 + e[k + 1] w2 + o[k] w1. The first two are F(4, 2), 5 products for 4 outputs with points
// +-a, +-b and infinity; the last takes 4: 9 instead of 12. Points 5 to 8 are the odd pixels, which
// all take the last matrix.
struct Phases4 {
  static constexpr int kTaps = 3, kStride = 2, kPad = 0;
  static constexpr int kTile = 4, kWindow = 9, kPoints = 9, kMatrices = 6;
  static constexpr bool kShared = false;
  static constexpr int kTiles = 66, kGradientTiles = 128;
  static constexpr int Matrix(int point) { return point < 5 ? point : 5; }

  static constexpr float a = 0.5f, b = 1.25f, A = a * a, B = b * b;
  static constexpr float na = 1 / (2 * (A - B)), nb = 1 / (2 * (B - A));

  DC_INLINE void Input(const Vec* x, int in, Vec* v, int out) {
    const Vec x0 = x[0], x1 = x[2 * in], x2 = x[4 * in], x3 = x[6 * in], x4 = x[8 * in];
    const Vec even_a = x3 - B * x1, odd_a = x2 - B * x0, even_b = x3 - A * x1, odd_b = x2 - A * x0;
    v[0] = even_a + a * odd_a;
    v[out] = even_a - a * odd_a;
    v[2 * out] = even_b + b * odd_b;
    v[3 * out] = even_b - b * odd_b;
    v[4 * out] = (A * B) * x0 + (x4 - (A + B) * x2);
    for (int k = 0; k < 4; ++k) v[(5 + k) * out] = x[(2 * k + 1) * in];
  }
  DC_INLINE void InputTransposed(const Vec* v, int in, Vec* x, int out) {
    const Vec even_a = v[0] + v[in], odd_a = a * (v[0] - v[in]);
    const Vec even_b = v[2 * in] + v[3 * in], odd_b = b * (v[2 * in] - v[3 * in]);
    const Vec last = v[4 * in];
    x[0] = (A * B) * last - (B * odd_a + A * odd_b);
    x[2 * out] = -(B * even_a + A * even_b);
    x[4 * out] = odd_a + (odd_b - (A + B) * last);
    x[6 * out] = even_a + even_b;
    x[8 * out] = last;
    for (int k = 0; k < 4; ++k) x[(2 * k + 1) * out] = v[(5 + k) * in];
  }
  DC_INLINE void Output(const Vec* m, int in, Vec* y, int out) {
    const Vec even_a = m[0] + m[in], odd_a = m[0] - m[in];
    const Vec even_b = m[2 * in] + m[3 * in], odd_b = m[2 * in] - m[3 * in];
    y[0] = (even_a + even_b) + m[5 * in];
    y[out] = a * odd_a + (b * odd_b + m[6 * in]);
    y[2 * out] = A * even_a + (B * even_b + m[7 * in]);
    y[3 * out] = (a * A) * odd_a + ((b * B) * odd_b + (m[4 * in] + m[8 * in]));
  }
  DC_INLINE void OutputTransposed(const Vec* y, int in, Vec* m, int out) {
    const Vec y0 = y[0], y1 = y[in], y2 = y[2 * in], y3 = y[3 * in];
    const Vec even_a = y0 + A * y2, odd_a = y1 + A * y3, even_b = y0 + B * y2, odd_b = y1 + B * y3;
    m[0] = even_a + a * odd_a;
    m[out] = even_a - a * odd_a;
    m[2 * out] = even_b + b * odd_b;
    m[3 * out] = even_b - b * odd_b;
    m[4 * out] = y3;
    m[5 * out] = y0;
    m[6 * out] = y1;
    m[7 * out] = y2;
    m[8 * out] = y3;
  }
  DC_INLINE void Kernel(const Vec* w, int in, Vec* u, int out) {
    const Vec w0 = w[0], w2 = w[2 * in];
    u[0] = na * w2 + (na / a) * w0;
    u[out] = na * w2 - (na / a) * w0;
    u[2 * out] = nb * w2 + (nb / b) * w0;
    u[3 * out] = nb * w2 - (nb / b) * w0;
    u[4 * out] = w2;
    u[5 * out] = w[in];
  }
  DC_INLINE void KernelTransposed(const Vec* u, int in, Vec* w, int out) {
    w[0] = (na / a) * (u[0] - u[in]) + (nb / b) * (u[2 * in] - u[3 * in]);
    w[out] = u[5 * in];
    w[2 * out] = na * (u[0] + u[in]) + (nb * (u[2 * in] + u[3 * in]) + u[4 * in]);
  }
};

}  // namespace DC_CONV2D_ENGINE
}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_FORMS_H_
