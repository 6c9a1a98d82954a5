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

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

// The first `lanes` of a vector; zeros are loaded for the others, of which no memory is touched.
DC_INLINE Vec Load(std::true_type, const float* from, int) { return Load(from); }
DC_INLINE void Store(std::true_type, float* to, Vec v, int) { Store(to, v); }
#if defined(__AVX512F__) && DC_CONV2D_LANES == 16
DC_INLINE __mmask16 First(int lanes) { return static_cast<__mmask16>((1u << lanes) - 1); }
DC_INLINE Vec Load(std::false_type, const float* from, int lanes) {
  return reinterpret_cast<Vec>(_mm512_maskz_loadu_ps(First(lanes), from));
}
DC_INLINE void Store(std::false_type, float* to, Vec v, int lanes) {
  _mm512_mask_storeu_ps(to, First(lanes), reinterpret_cast<__m512>(v));
}
#elif defined(__AVX2__) && DC_CONV2D_LANES == 8
DC_INLINE __m256i First(int lanes) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
DC_INLINE Vec Load(std::false_type, const float* from, int lanes) {
  return reinterpret_cast<Vec>(_mm256_maskload_ps(from, First(lanes)));
}
DC_INLINE void Store(std::false_type, float* to, Vec v, int lanes) {
  _mm256_maskstore_ps(to, First(lanes), reinterpret_cast<__m256>(v));
}
#else
DC_INLINE Vec Load(std::false_type, const float* from, int lanes) {
  Vec v{};
  std::memcpy(&v, from, static_cast<size_t>(lanes) * sizeof(float));
  return v;
}
DC_INLINE void Store(std::false_type, float* to, Vec v, int lanes) {
  std::memcpy(to, &v, static_cast<size_t>(lanes) * sizeof(float));
}
#endif

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

// c[R][V vectors] (+)= sum over k of a(r, k) * b[k][kPanel], where a(r, k) = a[r * lda + k], or
// a[k * lda + r] where it is transposed.
template <int R, int V, bool kTransposed>
DC_INLINE void Block(int64_t depth, const float* __restrict a, int64_t lda,
                     const float* __restrict b, float* __restrict c, int64_t ldc, bool add) {
  Vec sums[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sums[r][v] = Vec{};
  for (int64_t k = 0; k < depth; ++k) {
    Vec column[V];
    for (int v = 0; v < V; ++v) column[v] = Load(b + v * kLanes);
    b += kPanel;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec x = Splat(kTransposed ? a[r] : a[r * lda]);
      for (int v = 0; v < V; ++v) sums[r][v] += x * column[v];
    }
    a += kTransposed ? lda : 1;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      float* const to = c + r * ldc + v * kLanes;
      Store(to, add ? sums[r][v] + Load(to) : sums[r][v]);
    }
}

// The last rows, fewer than kRows.
template <int R, int V, bool kTransposed>
DC_INLINE void Rest(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b,
                    float* c, int64_t ldc, bool add) {
  if constexpr (R > 0) {
    if (rows == R) return Block<R, V, kTransposed>(depth, a, lda, b, c, ldc, add);
    Rest<R - 1, V, kTransposed>(rows, depth, a, lda, b, c, ldc, add);
  }
}

template <int V, bool kTransposed>
static void MultiplyBy(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b,
                       float* c, int64_t ldc, bool add) {
  const int64_t step = kTransposed ? 1 : lda;
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    Block<kRows, V, kTransposed>(depth, a + r * step, lda, b, c + r * ldc, ldc, add);
  Rest<kRows - 1, V, kTransposed>(rows - r, depth, a + r * step, lda, b, c + r * ldc, ldc, add);
}

// c[rows] (+)= a * b, as above, of a panel of which so many columns are asked for; what lies in c
// beyond them is undefined.
template <bool kTransposed>
static void Multiply(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b,
                     int columns, float* c, int64_t ldc, bool add) {
  const auto multiply = columns > kLanes ? MultiplyBy<2, kTransposed> : MultiplyBy<1, kTransposed>;
  multiply(rows, depth, a, lda, b, c, ldc, add);
}

}  // namespace DC_CONV2D_ENGINE
}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_MICROKERNEL_H_
