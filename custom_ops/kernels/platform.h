// What the kernels' bodies may know of the machine: scalar types, lanes of channels, shared memory.
//
// A body is arithmetic on lanes of neighbouring channels, cut into phases with no barrier inside.
// The CPU kernels, the CUDA kernels and the checking emulator of the tests call the same bodies;
// this header is the only place that tells the three apart.
#ifndef DUALCONTRAST_KERNELS_PLATFORM_H_
#define DUALCONTRAST_KERNELS_PLATFORM_H_

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && !defined(__CUDACC__)
#include <immintrin.h>
#endif

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#define DC_HD __host__ __device__ __forceinline__
#define DC_UNROLL _Pragma("unroll")
#else
#define DC_HD inline __attribute__((always_inline))
#define DC_UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(DC_CHECKED)
// The emulator's: records who reads and writes what, and in which phase.
#include "checked_memory.h"
#endif

namespace dualcontrast {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// Sums are kept in float32, those of float64 in float64.
template <class T>
struct AccumulatorOf {
  using Type = float;
};
template <>
struct AccumulatorOf<double> {
  using Type = double;
};
template <class T>
using Accumulator = typename AccumulatorOf<T>::Type;

template <class To, class From>
DC_HD To BitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

DC_HD float Widen(float x) { return x; }
DC_HD double Widen(double x) { return x; }
DC_HD float Widen(BFloat16 x) { return BitCast<float>(static_cast<uint32_t>(x.bits) << 16); }
DC_HD float Widen(Half x) {
#if defined(__CUDA_ARCH__)
  return __half2float(__ushort_as_half(x.bits));
#else
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(x.bits & 0x7fffu) << 13;
  // Exponents are biased by 15 here and by 127 there.
  uint32_t wide = magnitude + (112u << 23);
  if (magnitude >= (31u << 23)) wide += 112u << 23;  // Infinity, not a number.
  if (magnitude < (1u << 23)) {
    // Subnormal: no implied one. By subtraction, because subnormal floats may be flushed to zero.
    const float one = BitCast<float>(113u << 23);
    wide = BitCast<uint32_t>(BitCast<float>(magnitude + (113u << 23)) - one);
  }
  return BitCast<float>(sign | wide);
#endif
}

// Round to nearest, ties to even.
template <class T>
DC_HD T Narrow(Accumulator<T> x);
template <>
DC_HD float Narrow<float>(float x) {
  return x;
}
template <>
DC_HD double Narrow<double>(double x) {
  return x;
}
template <>
DC_HD BFloat16 Narrow<BFloat16>(float x) {
  const uint32_t bits = BitCast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool is_number = (bits & 0x7fffffffu) <= 0x7f800000u;
  return BFloat16{static_cast<uint16_t>(is_number ? rounded : 0x7fc0u)};
}
template <>
DC_HD Half Narrow<Half>(float x) {
#if defined(__CUDA_ARCH__)
  return Half{__half_as_ushort(__float2half_rn(x))};
#else
  const uint32_t bits = BitCast<uint32_t>(x);
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  if (magnitude < (113u << 23)) {
    // Subnormal: beside one half, the float's last place is the half's, so adding rounds.
    half = BitCast<uint32_t>(BitCast<float>(magnitude) + 0.5f) - BitCast<uint32_t>(0.5f);
  }
  if (magnitude >= (143u << 23)) half = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  return Half{static_cast<uint16_t>(((bits >> 16) & 0x8000u) | half)};
#endif
}

// Storage of N neighbours; on a GPU aligned, so that the whole is one access of up to 128 bits.
template <class T, int N>
#if defined(__CUDACC__)
struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
#else
struct Pack {
#endif
  T v[N];
};

// N neighbouring channels, in the type that sums are kept in.
#if defined(__CUDACC__) || defined(DC_SCALAR_LANES)

template <class A, int N>
struct Lanes {
  A v[N];
};

template <class A, int N, class F>
DC_HD Lanes<A, N> Map(const Lanes<A, N>& x, F f) {
  Lanes<A, N> y;
  DC_UNROLL
  for (int i = 0; i < N; ++i) y.v[i] = f(x.v[i], i);
  return y;
}

template <int N, class A>
DC_HD Lanes<A, N> Broadcast(A a) {
  Lanes<A, N> y;
  DC_UNROLL
  for (int i = 0; i < N; ++i) y.v[i] = a;
  return y;
}

template <class A, int N>
DC_HD Lanes<A, N> operator+(const Lanes<A, N>& a, const Lanes<A, N>& b) {
  return Map(a, [&](A x, int i) { return x + b.v[i]; });
}

template <class A, int N>
DC_HD Lanes<A, N> operator*(const Lanes<A, N>& a, const Lanes<A, N>& b) {
  return Map(a, [&](A x, int i) { return x * b.v[i]; });
}

// a where x > 0, b elsewhere.
template <class A, int N>
DC_HD Lanes<A, N> WherePositive(const Lanes<A, N>& x, const Lanes<A, N>& a, const Lanes<A, N>& b) {
  return Map(x, [&](A value, int i) { return value > A(0) ? a.v[i] : b.v[i]; });
}

// x where |size| < limit, 0 elsewhere.
template <class A, int N>
DC_HD Lanes<A, N> WhereBelow(const Lanes<A, N>& size, A limit, const Lanes<A, N>& x) {
  return Map(size, [&](A s, int i) { return s < limit && s > -limit ? x.v[i] : A(0); });
}

// Not a number stays what it is.
template <class A, int N>
DC_HD Lanes<A, N> Clip(const Lanes<A, N>& x, A limit) {
  return Map(x, [&](A value, int) {
    return value > limit ? limit : value < -limit ? -limit : value;
  });
}

template <class T, int N>
DC_HD Lanes<Accumulator<T>, N> Widen(const Pack<T, N>& pack) {
  Lanes<Accumulator<T>, N> lanes;
  DC_UNROLL
  for (int i = 0; i < N; ++i) lanes.v[i] = Widen(pack.v[i]);
  return lanes;
}

template <class T, int N>
DC_HD Pack<T, N> Narrow(const Lanes<Accumulator<T>, N>& lanes) {
  Pack<T, N> pack;
  DC_UNROLL
  for (int i = 0; i < N; ++i) pack.v[i] = Narrow<T>(lanes.v[i]);
  return pack;
}

#else

template <class A, int N>
struct Lanes {
  typedef A Vector __attribute__((vector_size(N * sizeof(A))));
  Vector v;
};

template <class A, int N, class F>
DC_HD Lanes<A, N> Map(const Lanes<A, N>& x, F f) {
  Lanes<A, N> y;
  for (int i = 0; i < N; ++i) y.v[i] = f(x.v[i], i);
  return y;
}

template <int N, class A>
DC_HD Lanes<A, N> Broadcast(A a) {
  return {a - typename Lanes<A, N>::Vector{}};
}

template <class A, int N>
DC_HD Lanes<A, N> operator+(const Lanes<A, N>& a, const Lanes<A, N>& b) {
  return {a.v + b.v};
}

template <class A, int N>
DC_HD Lanes<A, N> operator*(const Lanes<A, N>& a, const Lanes<A, N>& b) {
  return {a.v * b.v};
}

template <class A, int N>
DC_HD Lanes<A, N> WherePositive(const Lanes<A, N>& x, const Lanes<A, N>& a, const Lanes<A, N>& b) {
  return {x.v > A(0) ? a.v : b.v};
}

template <class A, int N>
DC_HD Lanes<A, N> WhereBelow(const Lanes<A, N>& size, A limit, const Lanes<A, N>& x) {
  const typename Lanes<A, N>::Vector zero{};
  return {(size.v < limit) & (size.v > -limit) ? x.v : zero};
}

template <class A, int N>
DC_HD Lanes<A, N> Clip(const Lanes<A, N>& x, A limit) {
  const auto high = Broadcast<N>(limit).v;
  const auto low = Broadcast<N>(-limit).v;
  const auto below = x.v > limit ? high : x.v;
  return {below < -limit ? low : below};
}

// Compilers do not find the vectors in loops over lanes, so the conversions name them.
template <class T, int N>
struct Conversion {
  static DC_HD Lanes<float, N> Widen(const Pack<T, N>& pack) {
    Lanes<float, N> lanes;
    for (int i = 0; i < N; ++i) lanes.v[i] = dualcontrast::Widen(pack.v[i]);
    return lanes;
  }
  static DC_HD Pack<T, N> Narrow(const Lanes<float, N>& lanes) {
    Pack<T, N> pack;
    for (int i = 0; i < N; ++i) pack.v[i] = dualcontrast::Narrow<T>(lanes.v[i]);
    return pack;
  }
};

template <class A, int N>
struct SameType {
  static DC_HD Lanes<A, N> Widen(const Pack<A, N>& pack) { return BitCast<Lanes<A, N>>(pack); }
  static DC_HD Pack<A, N> Narrow(const Lanes<A, N>& lanes) { return BitCast<Pack<A, N>>(lanes); }
};
template <int N>
struct Conversion<float, N> : SameType<float, N> {};
template <int N>
struct Conversion<double, N> : SameType<double, N> {};

template <class To, class From, int N>
DC_HD Lanes<To, N> Convert(const Lanes<From, N>& lanes) {
  return {__builtin_convertvector(lanes.v, typename Lanes<To, N>::Vector)};
}

template <int N>
struct Conversion<BFloat16, N> {
  static DC_HD Lanes<float, N> Widen(const Pack<BFloat16, N>& pack) {
    auto bits = Convert<uint32_t>(BitCast<Lanes<uint16_t, N>>(pack));
    bits.v <<= 16;
    return BitCast<Lanes<float, N>>(bits);
  }
  static DC_HD Pack<BFloat16, N> Narrow(const Lanes<float, N>& lanes) {
    auto bits = BitCast<Lanes<uint32_t, N>>(lanes);
    // All ones where the lane is not a number.
    const auto none = -((0x7f800000u - (bits.v & 0x7fffffffu)) >> 31);
    const auto rounded = (bits.v + 0x7fffu + ((bits.v >> 16) & 1u)) >> 16;
    bits.v = (rounded & ~none) | (0x7fc0u & none);
    return BitCast<Pack<BFloat16, N>>(Convert<uint16_t>(bits));
  }
};

template <class T, int N>
DC_HD Lanes<Accumulator<T>, N> Widen(const Pack<T, N>& pack) {
  return Conversion<T, N>::Widen(pack);
}

template <class T, int N>
DC_HD Pack<T, N> Narrow(const Lanes<Accumulator<T>, N>& lanes) {
  return Conversion<T, N>::Narrow(lanes);
}

#endif

// Returns sum + a * b; the compiler contracts it to one fused operation.
template <class A, int N>
DC_HD Lanes<A, N> MultiplyAdd(const Lanes<A, N>& a, const Lanes<A, N>& b, const Lanes<A, N>& sum) {
  return sum + a * b;
}

// The sum of the lanes, first to last.
template <class A, int N>
DC_HD A Sum(const Lanes<A, N>& x) {
  A sum = x.v[0];
  DC_UNROLL
  for (int i = 1; i < N; ++i) sum += x.v[i];
  return sum;
}

template <int N, class T>
DC_HD Lanes<Accumulator<T>, N> Load(const T* address) {
#if defined(DC_CHECKED)
  checking::GlobalRead(address, N * sizeof(T));
#endif
  Pack<T, N> pack;
#if defined(__CUDACC__)
  pack = *reinterpret_cast<const Pack<T, N>*>(address);
#else
  memcpy(&pack, address, sizeof(pack));
#endif
  return Widen(pack);
}

template <class T, int N>
DC_HD void Store(T* address, const Lanes<Accumulator<T>, N>& lanes) {
#if defined(DC_CHECKED)
  checking::GlobalWrite(address, N * sizeof(T));
#endif
  const Pack<T, N> pack = Narrow<T, N>(lanes);
#if defined(__CUDACC__)
  *reinterpret_cast<Pack<T, N>*>(address) = pack;
#else
  memcpy(address, &pack, sizeof(pack));
#endif
}

// Like Store, for what is too large to be found in a cache again: the caches are passed by, which
// spares reading what is about to be overwritten. After a function's last one comes StreamFence.
template <class T, int N>
DC_HD void Stream(T* address, const Lanes<Accumulator<T>, N>& lanes) {
#if defined(__AVX512F__) && !defined(DC_CHECKED) && !defined(__CUDACC__)
  if constexpr (N * sizeof(T) == 64) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(address),
                        BitCast<__m512i>(Narrow<T, N>(lanes)));
    return;
  }
#endif
#if defined(__AVX__) && !defined(DC_CHECKED) && !defined(__CUDACC__)
  if constexpr (N * sizeof(T) == 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(address),
                        BitCast<__m256i>(Narrow<T, N>(lanes)));
    return;
  }
#endif
  Store<T, N>(address, lanes);
}

// Makes streamed stores visible to other threads.
inline void StreamFence() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

// Memory that the threads of a block share: each phase reads what earlier phases wrote.
#if defined(DC_CHECKED)
template <class A>
using Shared = checking::Shared<A>;
#else
template <class A>
struct Shared {
  A* cells;

  template <int N>
  DC_HD Lanes<A, N> Get(int64_t index) const {
    Pack<A, N> pack;
    memcpy(&pack, Begin<N>(index), sizeof(pack));
    return Widen(pack);
  }

  template <int N>
  DC_HD void Put(int64_t index, const Lanes<A, N>& lanes) const {
    const Pack<A, N> pack = Narrow<A, N>(lanes);
    memcpy(Begin<N>(index), &pack, sizeof(pack));
  }

 private:
  // The tiles are laid out so that packs begin at multiples of their size, or of the 128 bits that a
  // GPU accesses at once: cell by cell, the threads of a warp would meet in the same banks.
  template <int N>
  DC_HD A* Begin(int64_t index) const {
#if defined(__CUDACC__)
    constexpr size_t kBytes = N * sizeof(A) < 16 ? N * sizeof(A) : 16;
    return static_cast<A*>(__builtin_assume_aligned(cells + index, kBytes));
#else
    return cells + index;
#endif
  }
};
#endif

}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_PLATFORM_H_
