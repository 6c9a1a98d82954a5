// Vectors and the product of matrices, for the instruction set that an engine names.
//
// An engine's source defines DC_CONV2D_ENGINE (its namespace), DC_CONV2D_LANES (floats a vector) and
// DC_CONV2D_ROWS (of a block of sums: rows times two vectors, that its registers hold), sets the
// compiler's target, and includes conv2d_passes.h.
#ifndef DUALCONTRAST_KERNELS_CONV2D_MICROKERNEL_H_
#define DUALCONTRAST_KERNELS_CONV2D_MICROKERNEL_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace dualcontrast {
namespace conv2d {
namespace DC_CONV2D_ENGINE {

constexpr int kLanes = DC_CONV2D_LANES, kRows = DC_CONV2D_ROWS, kPanel = 2 * kLanes;
typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef float Unaligned __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

#define DC_INLINE static inline __attribute__((always_inline))

DC_INLINE Vec Load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
DC_INLINE void Store(float* to, Vec v) { *reinterpret_cast<Unaligned*>(to) = v; }
// x - 0 is a broadcast to the compiler; 0 + x is not, as it changes -0.
DC_INLINE Vec Splat(float x) { return x - Vec{}; }

// The first `lanes` of a vector; zeros are loaded for the others.
DC_INLINE Vec Load(std::true_type, const float* from, int) { return Load(from); }
DC_INLINE Vec Load(std::false_type, const float* from, int lanes) {
  Vec v{};
  std::memcpy(&v, from, static_cast<size_t>(lanes) * sizeof(float));
  return v;
}
DC_INLINE void Store(std::true_type, float* to, Vec v, int) { Store(to, v); }
DC_INLINE void Store(std::false_type, float* to, Vec v, int lanes) {
  std::memcpy(to, &v, static_cast<size_t>(lanes) * sizeof(float));
}

// Calls body(whole, first channel, lanes) for whole vectors of channels, then for what is left.
template <class Body>
DC_INLINE void ForVectors(int channels, const Body& body) {
  int c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(std::true_type(), c, kLanes);
  if (c < channels) body(std::false_type(), c, channels - c);
}

template <class T>
DC_INLINE T Min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
DC_INLINE T Max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
DC_INLINE T Ceil(T a, T b) {
  return (a + b - 1) / b;
}
template <class T>
DC_INLINE T RoundUp(T a, T b) {
  return Ceil(a, b) * b;
}

// c[R][kPanel] (+)= sum over k of a(r, k) * b[k][kPanel], where a(r, k) = a[r * lda + k], or
// a[k * lda + r] where it is transposed.
template <int R, bool kTransposed>
DC_INLINE void Block(int64_t depth, const float* __restrict a, int64_t lda,
                     const float* __restrict b, float* __restrict c, int64_t ldc, bool add) {
  Vec sums[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) sums[r][0] = sums[r][1] = Vec{};
  for (int64_t k = 0; k < depth; ++k) {
    const Vec b0 = Load(b), b1 = Load(b + kLanes);
    b += kPanel;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec x = Splat(kTransposed ? a[r] : a[r * lda]);
      sums[r][0] += x * b0;
      sums[r][1] += x * b1;
    }
    a += kTransposed ? lda : 1;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    float* const to = c + r * ldc;
    if (add) {
      sums[r][0] += Load(to);
      sums[r][1] += Load(to + kLanes);
    }
    Store(to, sums[r][0]);
    Store(to + kLanes, sums[r][1]);
  }
}

// The last rows, fewer than kRows.
template <int R, bool kTransposed>
DC_INLINE void Rest(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b,
                    float* c, int64_t ldc, bool add) {
  if constexpr (R > 0) {
    if (rows == R) return Block<R, kTransposed>(depth, a, lda, b, c, ldc, add);
    Rest<R - 1, kTransposed>(rows, depth, a, lda, b, c, ldc, add);
  }
}

// c[rows][kPanel] (+)= a * b, as above.
template <bool kTransposed>
static void Multiply(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b,
                     float* c, int64_t ldc, bool add) {
  const int64_t step = kTransposed ? 1 : lda;
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    Block<kRows, kTransposed>(depth, a + r * step, lda, b, c + r * ldc, ldc, add);
  Rest<kRows - 1, kTransposed>(rows - r, depth, a + r * step, lda, b, c + r * ldc, ldc, add);
}

}  // namespace DC_CONV2D_ENGINE
}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_MICROKERNEL_H_
